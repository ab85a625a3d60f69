"""Options, output and progress that several commands share. What can be chosen comes from the registries."""

import contextlib
import functools
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgefkp.cli.label_options import label_options, taken
from edgefkp.cli.parameters import LayoutChoice, NameChoice, SharedOption
from edgefkp.files import json_text
from edgefkp.runtime.engine import ACCELERATORS, Engine

if TYPE_CHECKING:
    from edgefkp.layout import InputSpec, PointLayout

Decorator = Callable[[Any], Any]


json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON on stdout.")
model_option = click.option("--model", help="A .tflite file or the name of a shipped model. [default: the shipped one]")


def _data_help() -> str:
    from edgefkp.data.formats import FORMATS

    return (
        f"Labeled faces: sample (built in), or a file or folder of any form that `edgefkp data formats` explains: "
        f"{', '.join(name for name in FORMATS if name != 'sample')}."
    )


def data_option(default: str | None = "sample", otherwise: str = "") -> Decorator:
    """otherwise: what is taken without --data, where that is no fixed default."""
    return click.option(
        "--data",
        cls=SharedOption,
        help_from=lambda: _data_help() + (f" [default: {otherwise}]" if otherwise else ""),
        default=default,
        show_default=default is not None,
        metavar="DATA",
    )


def reading_options(command: Any) -> Any:
    """How files of labels are read: the command is called with `reading`, a `Reading` of what was given."""
    from edgefkp.data.photos import Reading

    @functools.wraps(command)
    def called(skip_missing_images: bool, **given: Any) -> Any:
        return command(reading=Reading(skip_missing_images, taken(given)), **given)

    return click.option(
        "--skip-missing-images", is_flag=True, help="Go on without images that are missing; they are counted and named."
    )(label_options(called))


card_data_option = data_option(None, "what the model's card names, if that is here or in data/, else sample")

labels_option = click.option(
    "--labels",
    type=click.Choice(["csv", "full"]),
    default="csv",
    show_default=True,
    help="Train on the labels of training.csv, or on full_labels.npz beside it.",
)


def _layout_help() -> str:
    from edgefkp.layout import LAYOUTS

    return f"Points of the faces: {', '.join(LAYOUTS.names())}, or a JSON file. [default: those of the data]"


layout_option = click.option(
    "--layout", cls=SharedOption, type=LayoutChoice(), help_from=_layout_help, metavar="LAYOUT"
)


def spec_options(command: Any) -> Any:
    """--layout, --size and --colors: the points, and the input of the network."""
    from edgefkp.layout import COLORS, REFERENCE_SIDE, SIDES, STEP

    for option in (
        click.option(
            "--colors",
            type=click.Choice(list(COLORS)),
            default="gray",
            show_default=True,
            help="Colors of the network's input.",
        ),
        click.option(
            "--size",
            type=click.IntRange(*SIDES),
            default=REFERENCE_SIDE,
            show_default=True,
            metavar="PIXELS",
            help=f"Side of the network's input, a multiple of {STEP}.",
        ),
        layout_option,
    ):
        command = option(command)
    return command


def spec_of(layout: "PointLayout | None", size: int, colors: str) -> "tuple[PointLayout | None, InputSpec]":
    """What `spec_options` were given. Raises UsageError for a size that cannot be."""
    from edgefkp.layout import InputSpec

    return layout, InputSpec(size, colors)


def imputation_options(command: Any) -> Any:
    """--imputation and --augment: how missing labels are filled in, and how images are altered."""
    from edgefkp.data.augment import AUGMENTS
    from edgefkp.data.imputation import IMPUTATIONS

    for option in (
        click.option(
            "--augment",
            type=click.Choice(list(AUGMENTS)),
            default="online",
            show_default=True,
            help="Augmentation: the paper's offline set, or every batch anew.",
        ),
        click.option(
            "--imputation",
            cls=SharedOption,
            old=("--treatment",),
            type=click.Choice(list(IMPUTATIONS)),
            default="masked",
            show_default=True,
            help="Treatment of missing labels.",
        ),
    ):
        command = option(command)
    return command


def runtime_option(many: bool = False, purpose: str = "Runtime for .tflite files.") -> Decorator:
    from edgefkp.runtime.packages import RUNTIMES

    return click.option(
        "--runtime",
        "runtimes" if many else "runtime",
        multiple=many,
        type=NameChoice("runtime", RUNTIMES.names),
        help=f"{purpose}{' May be repeated.' if many else ''} [default: the first installed]",
    )


accelerator_option = click.option(
    "--accelerator",
    type=click.Choice(ACCELERATORS),
    help="Run on this, by LiteRT's CompiledModel. [default: the CPU, by the runtime's interpreter]",
)
delegate_option = click.option(
    "--delegate", metavar="LIB.so[:key=value]", help="Delegate library to use instead of the runtime's default one."
)


def engine_options(command: Any) -> Any:
    """--runtime, --accelerator and --delegate: the command is called with `runtime`, an Engine of them."""

    @functools.wraps(command)
    def called(runtime: str | None, accelerator: str | None, delegate: str | None, **given: Any) -> Any:
        return command(runtime=Engine(runtime, accelerator or "", delegate or ""), **given)

    return runtime_option()(accelerator_option(delegate_option(called)))


def quant_option(many: bool = False, default: str | None = None, purpose: str = "") -> Decorator:
    """--quant: a scheme of .tflite files, or several, or all."""
    from edgefkp.export.schemes import SCHEMES

    return click.option(
        "--quant",
        cls=SharedOption,
        old=() if many else ("--scheme",),
        multiple=many,
        type=NameChoice("scheme", lambda: (*SCHEMES.names(), *(["all"] if many else []))),
        default=default,
        show_default=default is not None,
        help=purpose,
    )


def finder_option() -> Decorator:
    from edgefkp.detect import finders

    return click.option(
        "--finder",
        cls=SharedOption,
        help_from=lambda: f"Face finder: {finders.usages()}.",
        type=NameChoice("face finder", finders.FINDERS.names, arguments=True),
        default=finders.DEFAULT,
        show_default=True,
        metavar="FINDER",
    )


free_option = click.option(
    "--free",
    is_flag=True,
    help="Use only a model, a finder and a presence check that may go into products, and print whom to credit.",
)
min_face_option = click.option(
    "--min-face",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SIZE",
    help="Smallest side of a face: a share of the image's short side, or pixels from 1 on. [default: the finder's own]",
)


def device_option(multiple: bool = False) -> Decorator:
    """--device, as `devices` if several are taken."""

    def forms() -> str:
        from edgefkp.bench.devices import forms

        return f"Device to measure; {forms()}.{' May be repeated.' if multiple else ''}"

    name, default = ("devices", ["cpu"]) if multiple else ("device", "cpu")
    return click.option(
        "--device",
        name,
        cls=SharedOption,
        help_from=forms,
        multiple=multiple,
        default=default,
        show_default=True,
        metavar="DEVICE",
    )


remote_python_option = click.option(
    "--remote-python", default="python3", show_default=True, metavar="PATH", help="Python interpreter on the board."
)


max_delta_option = click.option(
    "--max-delta", type=float, metavar="PX", help="Exit with 3 if the RMSE of a file increases by more than PX pixels."
)


def folder_option(name: str, default: str, purpose: str, old: tuple[str, ...] = ()) -> Decorator:
    return click.option(
        name,
        cls=SharedOption,
        old=old,
        type=click.Path(path_type=Path, file_okay=False),
        default=Path(default),
        show_default=True,
        help=purpose,
    )


license_option = click.option(
    "--license", metavar="TEXT", help="Terms of your own photos, for the cards of models that are trained on them."
)


def replace_option(what: str) -> Decorator:
    return click.option("--replace", is_flag=True, help=f"Replace {what}.")


models_dir_option = folder_option("--models-dir", "models", "Folder of the trained models.")


@contextlib.contextmanager
def if_stopped(hint: str) -> Iterator[None]:
    """How to go on after a block that is stopped by a signal; printed once, at the end."""
    try:
        yield
    except KeyboardInterrupt as stopped:
        stopped.args = (hint,)
        raise


def log(text: str) -> None:
    """Print a line for people on stderr, so that stdout stays the result."""
    print(text, file=sys.stderr, flush=True)


def log_credits(credits: Sequence[str]) -> None:
    """Print whom to credit, on stderr."""
    for credit in credits:
        log(f"credit: {credit}")


def print_json(value: Any) -> None:
    click.echo(json_text(value))
