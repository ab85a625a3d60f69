"""Figures 4 and 5: what each network of the paper is made of, from its options in the zoo; nothing is built."""

from collections.abc import Sequence
from typing import Any

from edgefkp.layout import SIZE
from edgefkp.networks.registry import NETWORKS
from edgefkp.report.figures import panels

CONVOLUTION, POOL, DENSE, OTHER = "#cfe3f1", "#f3f3f3", "#fbdcc9", "#e3f1e8"
WIDTH, ROW = 9.0, 0.3  # inches
Step = tuple[str, str]  # text, colour


def steps_of(network: str) -> list[Step]:
    """From the picture to the 30 numbers. Raises ValueError for a network that is not one of the paper's."""
    options = NETWORKS[network].options
    if "kernels" in options:
        middle = _tuned(options["kernels"], options["filters"])
    elif "filters" in options and "dense" in options:
        middle = _blocks(options)
    elif "application" in options:
        middle = _transfer(options)
    else:
        raise ValueError(f"{network} has no figure")
    return [(f"{SIZE}x{SIZE}x1", OTHER), *middle, ("dense 30", DENSE)]


def _blocks(options: dict[str, Any]) -> list[Step]:
    steps: list[Step] = []
    side = SIZE
    for index, block in enumerate(options["filters"]):
        if index:
            side //= 2
            steps.append(("max-pool 2", POOL))
        steps += [(f"3x3 conv {count}, leaky, BN  {side}²", CONVOLUTION) for count in block]
    dense = f"dense {options['dense']}" + (" relu" if options["dense_activation"] == "relu" else "")
    return [*steps, ("flatten", POOL), (dense, DENSE)]


def _tuned(kernels: tuple[int, ...], filters: tuple[int, ...]) -> list[Step]:
    steps: list[Step] = []
    side = SIZE
    for index, (kernel, count) in enumerate(zip(kernels, filters, strict=True)):
        side -= kernel - 1
        steps.append((f"{kernel}x{kernel} conv {count}, relu, BN  {side}²", CONVOLUTION))
        if index:
            side //= 2
            steps.append(("max-pool 2", POOL))
    return [*steps, ("flatten", POOL), ("dense 48 relu", DENSE)]


def _transfer(options: dict[str, Any]) -> list[Step]:
    side = options.get("resolution", SIZE)
    resize = [(f"resize to {side}x{side}", POOL)] if side != SIZE else []
    return [
        *resize,
        ("pixels to [-1, 1]", POOL),
        ("gray to three channels", POOL),
        (f"{options['application']} {side}x{side}x3", CONVOLUTION),
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
        for place, (text, colour) in enumerate(steps):
            box = FancyBboxPatch(
                (0.03, place + 0.14), 0.94, 0.72, "round,pad=0,rounding_size=0.06", facecolor=colour, edgecolor="#999"
            )
            panel.add_patch(box)
            panel.text(0.5, place + 0.5, text, ha="center", va="center", fontsize=6.3)
    return figure
