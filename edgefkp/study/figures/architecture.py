"""Figures 4 and 5: the layers of the paper's networks, from their options in the registry; nothing is built."""

from collections.abc import Sequence
from typing import Any

from edgefkp.layout import ModelSpec
from edgefkp.networks.registry import NETWORKS
from edgefkp.report.figures import DARK, panels
from edgefkp.study.claims import PLAIN
from edgefkp.study.figures import FIGURES, Material

CONVOLUTION, POOL, DENSE, OTHER = "#cfe3f1", "#f3f3f3", "#fbdcc9", "#e3f1e8"
WIDTH, ROW = 9.0, 0.3  # inches
_PAPER = ModelSpec()  # its input and its points

Step = tuple[str, str]  # text, color


@FIGURES.figure(
    "figure-04-custom",
    "Figure 4. Custom networks",
    "From the image to 30 numbers; the layers of manual are a reconstruction with the paper's count.",
)
def custom(material: Material) -> Any:
    return architectures(PLAIN)


@FIGURES.figure(
    "figure-05-transfer",
    "Figure 5. Transfer networks",
    "A backbone of keras.applications under global average pooling and one dense layer.",
)
def transfer(material: Material) -> Any:
    return architectures(("mobilenetv2", "nasnetmobile", "resnet50"))


def steps_of(network: str, spec: ModelSpec = _PAPER) -> list[Step]:
    """From the image to the points' numbers. Raises ValueError for a network that is not one of the paper's."""
    options, side = NETWORKS[network].options, spec.input.side
    if "kernels" in options:
        middle = _tuned(options["kernels"], options["filters"], side)
    elif "filters" in options and "dense" in options:
        middle = _blocks(options, side)
    elif "application" in options:
        middle = _transfer(options, side)
    else:
        raise ValueError(f"{network} has no figure")
    shape = "x".join(map(str, spec.input.shape))
    return [(shape, OTHER), *middle, (f"dense {spec.numbers}", DENSE)]


def _blocks(options: dict[str, Any], side: int) -> list[Step]:
    steps: list[Step] = []
    for index, block in enumerate(options["filters"]):
        if index:
            side //= 2
            steps.append(("max-pool 2", POOL))
        steps += [(f"3x3 conv {count}, leaky, BN  {side}²", CONVOLUTION) for count in block]
    dense = f"dense {options['dense']}" + (" relu" if options["dense_activation"] == "relu" else "")
    return [*steps, ("flatten", POOL), (dense, DENSE)]


def _tuned(kernels: tuple[int, ...], filters: tuple[int, ...], side: int) -> list[Step]:
    steps: list[Step] = []
    for index, (kernel, count) in enumerate(zip(kernels, filters, strict=True)):
        side -= kernel - 1
        steps.append((f"{kernel}x{kernel} conv {count}, relu, BN  {side}²", CONVOLUTION))
        if index:
            side //= 2
            steps.append(("max-pool 2", POOL))
    return [*steps, ("flatten", POOL), ("dense 48 relu", DENSE)]


def _transfer(options: dict[str, Any], side: int) -> list[Step]:
    own = options.get("resolution", side)
    resize = [(f"resize to {own}x{own}", POOL)] if own != side else []
    return [
        *resize,
        ("pixels to [-1, 1]", POOL),
        ("gray to three channels", POOL),
        (f"{options['application']} {own}x{own}x3", CONVOLUTION),
        ("global average pooling", POOL),
    ]


def architectures(networks: Sequence[str]) -> Any:
    """A column of boxes for each network, from top to bottom."""
    from matplotlib.patches import FancyBboxPatch

    columns = {name: steps_of(name) for name in networks}
    longest = max(map(len, columns.values()))
    figure, axes = panels(WIDTH, ROW * (longest + 1.5), 1, len(networks))
    for panel, (name, steps) in zip(axes.flat, columns.items(), strict=True):
        panel.set_axis_off()
        panel.set_title(NETWORKS[name].title.removesuffix(", fine-tuned"), fontsize=7.5)
        panel.set_xlim(0, 1)
        panel.set_ylim(longest, 0)
        for place, (text, color) in enumerate(steps):
            box = FancyBboxPatch(
                (0.03, place + 0.14), 0.94, 0.72, "round,pad=0,rounding_size=0.06", facecolor=color, edgecolor="#999"
            )
            panel.add_patch(box)
            panel.text(0.5, place + 0.5, text, ha="center", va="center", fontsize=6.3, color=DARK)
    return figure
