"""edgefkp export for targets that are not here: the files are made, examined, and shown in a table of their own."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgefkp.cli.options import log, print_json

if TYPE_CHECKING:
    from edgefkp.data.faces import Dataset
    from edgefkp.export.options import ExportOptions


def show_npu(
    paths: list[Path], source: "Dataset", schemes: Sequence[str], options: "ExportOptions", out: Path, as_json: bool
) -> None:
    from tabulate import tabulate

    from edgefkp.card import read_card
    from edgefkp.export.exporter import export_apart
    from edgefkp.export.npu import export_npu
    from edgefkp.export.options import ExportProgress
    from edgefkp.export.parity import parity_of

    target = options.target
    assert target.npu is not None
    found, rows = {}, []
    for file in export_apart(paths, out, schemes, source, options, ExportProgress()):
        log(f"compiling {file.name} for {target.name}")
        found[file.name] = one = export_npu(file, target.name, target.npu)
        card = read_card(file)
        parity = parity_of(card) if card else None
        rows.append(
            (
                file.name.removesuffix(".tflite"),
                f"{one.operators - len(one.on_cpu)} of {one.operators}",
                f"{one.ms:.3f}{'' if one.whole else ' and the CPU'}",
                f"{one.cycles:,}",
                f"{one.sram_kb:.0f}",
                f"{one.weights_kb:.0f}",
                f"{parity.rmse_after:.4f}" if parity else "-",
                f"{parity.delta:+.4f}" if parity else "-",
            )
        )
    if as_json or not found:
        print_json(found)
        return
    headers = ["file (.tflite)", "on the NPU", "ms", "cycles", "SRAM KiB", "weights KiB", "RMSE px", "change"]
    click.echo(tabulate(rows, headers=headers, disable_numparse=True, colalign=("left", *["right"] * 7)))
    one = next(iter(found.values()))
    click.echo(
        f"\nestimated by {one.compiler}, not measured: {one.npu.accelerator}, {one.npu.system}, {one.npu.memory}, "
        f"{one.clock_mhz:.0f} MHz"
    )
    for name, one in found.items():
        for tensor in one.on_cpu:
            log(f"{name}: the CPU computes {tensor}")


def show_micro(
    paths: list[Path], source: "Dataset", schemes: Sequence[str], options: "ExportOptions", out: Path, as_json: bool
) -> None:
    from tabulate import tabulate

    from edgefkp.export.exporter import export_apart
    from edgefkp.export.micro import export_micro
    from edgefkp.export.options import ExportProgress

    measured = {}
    for file in export_apart(paths, out, schemes, source, options, ExportProgress()):
        log(f"running {file.name} in tflite-micro")
        measured[file], written = export_micro(file, source)
        log(f"wrote {', '.join(part.name for part in written)}")
    if as_json:
        print_json({file.name: micro for file, micro in measured.items()})
        return
    headers = ["file (.tflite)", "flash KB", "arena KB", "operators", "same outputs as LiteRT", "else by px"]
    rows = [
        (
            file.name.removesuffix(".tflite"),
            f"{micro.flash_bytes / 1000:.1f}",
            f"{micro.arena_bytes / 1000:.1f}",
            len(micro.operators),
            f"{micro.equal_outputs} of {micro.outputs}",
            f"{micro.pixels:.3f}",
        )
        for file, micro in measured.items()
    ]
    click.echo(tabulate(rows, headers=headers, disable_numparse=True, colalign=("left", *["right"] * 5)))
