"""The table of `edgefkp recommend`."""

from edgefkp.bench.recommend import Recommendation
from edgefkp.bench.table import setting
from edgefkp.errors import counted
from edgefkp.evaluation.table import Column, Table


def recommendation(found: Recommendation) -> Table:
    """The measured files, the fastest first, and below them the one to use."""
    columns = [
        Column("", "left"),
        Column("file (.tflite)", "left", narrowest=18),
        Column("runtime", "left", narrowest=15),
        Column("ms"),
        Column("p95", drop=1),
        Column("RMSE px"),
        Column("KB", drop=2),
        Column("verdict", "left"),
    ]
    rows = [
        [
            ">" if choice == found.chosen else ("*" if choice.pareto else ""),
            choice.file.removesuffix(".tflite"),
            setting(choice),
            f"{choice.ms:.3f}",
            "-" if choice.p95 is None else f"{choice.p95:.3f}",
            "n/a" if choice.rmse is None else f"{choice.rmse:.3f}",
            f"{choice.bytes / 1000:.0f}",
            choice.verdict,
        ]
        for choice in found.choices
    ]
    scored = f"RMSE on {counted(found.faces, 'face')} of {found.data}" if found.faces else "no labels, no RMSE"
    note = f"{found.result} on {found.device}; {scored}"
    notes = [note, *(f"doubt ignored: {doubt}" for doubt in found.ignored)]
    if found.left_out:
        notes.append(f"{counted(found.left_out, 'row')} never chosen, for the verdict")
    if not found.chosen:
        return Table(columns, rows, [*notes, "give --budget-ms X or --max-rmse Y to choose one"])
    return Table(columns, rows, [*notes, f"use {found.chosen.file} with {setting(found.chosen)}"])
