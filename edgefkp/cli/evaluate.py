"""edgefkp evaluate: the scores of model files on labeled faces."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgefkp.cli.card_data import data_of
from edgefkp.cli.contract_options import contract_options
from edgefkp.cli.network_options import import_option
from edgefkp.cli.options import (
    card_data_option,
    engine_options,
    json_option,
    layout_option,
    log,
    print_json,
    reading_options,
)
from edgefkp.cli.parameters import SharedOption
from edgefkp.data.progress import progress_bar
from edgefkp.data.split import PARTS
from edgefkp.errors import UsageError, counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edgefkp.data.faces import Dataset
    from edgefkp.data.photos import Reading
    from edgefkp.evaluation.evaluate import Evaluated
    from edgefkp.evaluation.robustness import Condition
    from edgefkp.layout import ModelSpec, PointLayout
    from edgefkp.runtime.contract import Stated
    from edgefkp.runtime.engine import Engine


def _by_help() -> str:
    from edgefkp.evaluation.properties import PROPERTIES

    return f"Also score parts of the faces, by: pose, {', '.join(PROPERTIES)}, or a column of DATA. Separate by commas."


@click.command("evaluate")
@click.argument("models", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="MODEL...")
@card_data_option
@layout_option
@reading_options
@click.option(
    "--split",
    "part",
    type=click.Choice(PARTS),
    default="test",
    show_default=True,
    help="Which faces of DATA to score on.",
)
@click.option(
    "--label-src", help="Score only points with these label sources: 1 by hand, 2 derived, 3 agreed, 4 automatic."
)
@click.option("--submission", type=click.Path(path_type=Path), help="Also write Kaggle's submission.csv here.")
@click.option("--solution", type=click.Path(path_type=Path), help="Score on Kaggle's solution.csv instead.")
@click.option(
    "--robustness", is_flag=True, help="Score on degraded images instead: dark, blurred, noisy, rotated, occluded ..."
)
@click.option(
    "--fit-offsets",
    is_flag=True,
    help="Take off each point's mean error on 1,000 faces of training persons: for networks of other definitions.",
)
@click.option("--by", cls=SharedOption, help_from=_by_help, metavar="NAME,...")
@click.option(
    "--gate",
    "gates",
    multiple=True,
    metavar="LIMIT",
    help='Exit with 3 if a limit is not met: "nme<=6", "|turn|>30: nme<=8", "glasses=yes: rmse<1.5". Metrics: rmse, '
    "p95, nme, nme_interocular, nme_interpupil, nme_box, failure8, failure10, auc8, auc10. May be repeated.",
)
@click.option(
    "--worst", type=click.Path(path_type=Path), metavar="FILE", help="Draw the worst faces into this .png or .svg."
)
@click.option(
    "--plot",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Draw the cumulative error curve, of all MODELs, into this .png or .svg.",
)
@click.option(
    "--reliability",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Draw the models' own deviations against their errors into this .png or .svg.",
)
@engine_options
@contract_options
@import_option
@json_option
def command(
    models: tuple[Path, ...],
    data: str | None,
    layout: "PointLayout | None",
    reading: "Reading",
    part: str,
    label_src: str | None,
    submission: Path | None,
    solution: Path | None,
    robustness: bool,
    fit_offsets: bool,
    by: str | None,
    gates: tuple[str, ...],
    worst: Path | None,
    plot: Path | None,
    reliability: Path | None,
    runtime: "Engine",
    stated: "Stated | None",
    as_json: bool,
) -> None:
    """Score each MODEL (a file or the name of a shipped one) on the labeled faces of DATA, in pixels of its input.

    NME: mean distance of a face's points from the true ones, in per cent of a length of the face. A face fails at 8 %
    if its NME is above; AUC: area below the curve of cumulative errors, 1 is perfect. Parts of a number are quarters of
    the faces. turn, tilt, nod: degrees, from the true points; turn is positive to the subject's left, tilt
    counter-clockwise, nod up.
    """
    from edgefkp.data.kaggle_tables import write_submission
    from edgefkp.evaluation.evaluate import evaluated, part_of
    from edgefkp.evaluation.fitted import fitted_faces
    from edgefkp.evaluation.gates import parse_gate, require_gates
    from edgefkp.report.evaluation_figures import require_suffix
    from edgefkp.runtime.predictor import open_predictor
    from edgefkp.runtime.shipped import find_model

    limits = [parse_gate(gate) for gate in gates]
    for figure in (worst, plot, reliability):
        if figure is not None:
            require_suffix(figure)
    models = tuple(path if path.exists() else find_model(path) for path in models)
    model = models[0]
    _require_one(models, {"--submission": submission, "--robustness": robustness, "--worst": worst})
    if robustness and (by or gates or worst or plot or reliability or fit_offsets):
        raise UsageError(
            "--robustness has no parts, gates, figures or offsets",
            "leave out --by, --gate, --worst, --plot, --reliability and --fit-offsets",
        )
    predictor = open_predictor(model, runtime, stated=stated)
    if reliability and not predictor.spec.output.deviation:
        raise UsageError(
            f"{model.name} does not give deviations of its points",
            "give it that output: edgefkp train NETWORK --from FILE.keras --deviation; then export it",
        )
    if data is None:
        data, reading = data_of(models, reading)
    source = _opened(data, predictor.spec, layout, reading, solution)
    if submission:
        if source.lookup is None or part != "test":
            raise UsageError(
                "a submission needs Kaggle's test.csv and IdLookupTable.csv",
                "use --data FOLDER with both, and --split test",
            )
        fitted = fitted_faces(predictor.spec, part_of(source, part), model.name)
        write_submission(submission, source.lookup, fitted.scored(predictor.predict(fitted.seen.images)))
        log(f"wrote {submission}")
        if not part_of(source, part).labeled.any():
            return
    if robustness:
        _robustness(model, source, part, _sources(label_src), runtime, as_json)
        return

    def scored(path: Path, faces: "Dataset") -> "Evaluated":
        return evaluated(path, faces, part, _sources(label_src), runtime, _names(by), limits, stated, fit_offsets)

    done = [scored(model, source)]
    for path in models[1:]:
        spec = open_predictor(path, runtime, stated=stated).spec
        own = source if spec == predictor.spec else _opened(data, spec, layout, reading, solution)
        done.append(scored(path, own))
    _draw(done, {"worst-faces": worst, "error-curve": plot, "reliability": reliability})
    _print(done, as_json)
    for path, one in zip(models, done, strict=True):
        _explain_far(path, one, source, runtime, stated)
    for one in done:
        require_gates(one.evaluation.gates, one.evaluation.file if len(done) > 1 else "")


def _explain_far(path: Path, one: "Evaluated", source: "Dataset", runtime: "Engine", stated: "Stated | None") -> None:
    """Log what an error far above the mean shape's usually means."""
    from edgefkp.evaluation.contract_trial import FAR, mean_shape_rmse, usual_cause
    from edgefkp.runtime.predictor import open_predictor

    mean_shape, found = mean_shape_rmse(one.faces.keypoints), one.evaluation.score.rmse
    if found > FAR * mean_shape:
        predictor = open_predictor(path, runtime, stated=stated)
        log(f"note:  {usual_cause(predictor, source, path.name, found, mean_shape)}")


def _opened(
    data: str, spec: "ModelSpec", layout: "PointLayout | None", reading: "Reading", solution: Path | None
) -> "Dataset":
    from edgefkp.data.formats import open_for
    from edgefkp.evaluation.evaluate import with_solution

    source = open_for(data, spec, layout, reading=reading)
    return with_solution(source, solution) if solution else source


def _names(by: str | None) -> list[str]:
    return [name.strip() for name in by.split(",") if name.strip()] if by else []


def _draw(done: "list[Evaluated]", figures: "dict[str, Path | None]") -> None:
    from edgefkp.report.evaluation_figures import write_figure

    for figure, path in figures.items():
        if path is not None:
            log(f"wrote {write_figure(path, figure, done)}")


def _print(done: "list[Evaluated]", as_json: bool) -> None:
    """One file as it always was; several as a list, or as a table and what each was asked for beyond it."""
    from edgefkp.report.evaluation_table import (
        comparison_table,
        deviation_rows,
        evaluation_text,
        gate_table,
        slice_table,
    )

    evaluations = [one.evaluation for one in done]
    if as_json:
        print_json(evaluations[0] if len(evaluations) == 1 else evaluations)
    elif len(evaluations) == 1:
        click.echo(evaluation_text(evaluations[0]))
    else:
        click.echo(comparison_table(evaluations).text())
        for one in evaluations:
            if rows := deviation_rows(one):
                click.echo("\n" + "\n".join(" ".join(filter(None, row)) for row in [(one.file, ""), *rows]))
            for table in (slice_table(one.slices, one.score.nme_by), gate_table(one.gates)):
                if table.rows:
                    click.echo(f"\n{one.file}\n{table.text()}")


def _require_one(models: tuple[Path, ...], options: dict[str, object]) -> None:
    used = [name for name, value in options.items() if value]
    if len(models) > 1 and used:
        raise UsageError(f"{used[0]} is for one MODEL, not for {len(models)}", "type the command once for each MODEL")


def _robustness(
    model: Path, source: "Dataset", part: str, label_sources: tuple[int, ...] | None, runtime: "Engine", as_json: bool
) -> None:
    from tabulate import tabulate

    from edgefkp.evaluation.evaluate import part_of
    from edgefkp.evaluation.robustness import robustness

    faces = part_of(source, part)
    if not faces.labeled.any():
        raise UsageError(f"the {part} faces of {source.name} have no labels", "use labeled faces, or another --split")
    with progress_bar("robustness") as bar:

        def through(conditions: "Sequence[Condition]") -> "Iterator[Condition]":
            bar.length = len(conditions)
            for condition in conditions:
                yield condition
                bar.update(1)

        result = robustness(model, faces, {"name": source.name, "part": part}, label_sources, runtime, through)
    if as_json:
        print_json(result)
        return
    clean = result.rows[0].rmse
    rows = [(r.condition, r.strength, f"{r.rmse:.3f}", f"{r.rmse / clean:.2f}", r.coordinates) for r in result.rows]
    align = ("left", "left", "right", "right", "right")
    headers = ("condition", "strength", "RMSE px", "times", "coordinates")
    click.echo(tabulate(rows, headers, colalign=align, disable_numparse=True))
    on = f" on {result.accelerator}" if result.accelerator else ""
    by = f"{result.runtime} {result.version}{on}"
    click.echo(f"\n{result.file} ({by}), {source.name}, {part}: {counted(len(faces), 'face')}")


def _sources(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    try:
        return tuple(int(word) for word in text.split(","))
    except ValueError:
        raise UsageError(f"--label-src {text} is not a list of numbers", "for example: --label-src 1,2") from None
