"""The paper's tables 1 to 3 from the cells of the study, with what the paper printed beside what was found here.

Each is a header and rows of text; "-" where a cell is missing.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from edgefkp.report.comparison import compare, converged, rmse_of
from edgefkp.training.cell import Cell, CellResult, read_result
from edgefkp.training.grid import MASKED, ONCE, column_names, grid
from edgefkp.zoo.costs import COSTS
from edgefkp.zoo.registry import NETWORKS

Table = tuple[list[str], list[list[str]]]
Results = Mapping[str, CellResult]

# What the paper says of others (section 2), in px; it gives no RMSE of its own networks.
PRINTED_RIVALS = {"naimishnet": 1.77, "inception": 2.91, "residual": 2.23, "shi": 1.97, "gao": 1.75}
# Table 2 of the paper: change of RMSE for no imputation, forward fill, KNN and augmentation.
PRINTED_CHANGES = {
    "mobilenetv2_frozen": ("similar", "similar", "+", "+"),
    "mobilenetv2": ("similar", "similar", "++", "+++"),
    "nasnetmobile_frozen": ("similar", "similar", "similar", "+"),
    "nasnetmobile": ("similar", "similar", "similar", "+++"),
}
# Ours: by how much a cell's RMSE is below that of the same network under `drop`, if the interval leaves 0 out.
SYMBOLS = ((0.3, "+++"), (0.15, "++"), (0.0, "+"))


def read_study(folder: Path) -> dict[str, CellResult]:
    """The results of the grid's cells that stand in `folder`, by name."""
    files = {cell.name: folder / f"{cell.name}.json" for cell in grid()}
    return {name: read_result(file) for name, file in files.items() if file.exists()}


def sizes(results: Results) -> Table:
    """Table 1: parameters and megabytes as .h5, the paper's and ours."""
    measured = {result.identity["network"]: result for result in results.values()}
    rows = []
    for name, network in NETWORKS.items():
        if name.endswith("_frozen"):
            continue
        result = measured.get(name) or measured.get(f"{name}_frozen")
        ours = f"{result.file['h5_bytes'] / 1e6:.2f}" if result else "-"
        printed = f"{network.paper_parameters:,}" if network.paper_parameters else "-"
        megabytes = f"{network.paper_megabytes:.2f}" if network.paper_megabytes else "-"
        rows.append([network.title, printed, f"{COSTS[name].parameters:,}", megabytes, ours])
    return ["network", "parameters, paper", "here", "MB .h5, paper", "here"], rows


def changes(results: Results) -> Table:
    """Table 2: the change of RMSE that each treatment brings, as symbols: the paper's / ours."""
    columns = [name for name in column_names() if name != "masked-online"]
    rows = []
    for row, printed in PRINTED_CHANGES.items():
        cells = _row(row)
        base = results.get(cells["drop"].name)
        found = [_symbol(results.get(cells[column].name), base) for column in columns]
        rows.append([row, *(f"{theirs} / {ours}" for theirs, ours in zip(printed, found, strict=True))])
    return ["network", *columns], rows


def scores(results: Results) -> Table:
    """Table 3: RMSE in px over all labelled coordinates of the test persons, with its 95 % interval."""
    rows: dict[str, dict[str, str]] = {}
    for cell in grid():
        rows.setdefault(cell.row, dict.fromkeys(column_names(), "-"))[cell.column] = _score(results.get(cell.name))
    for row in ONCE:
        for column in column_names()[:-1]:
            rows[row][column] = ""  # not of the grid
    return ["network", *column_names()], [[row, *marks.values()] for row, marks in rows.items()]


def rivals(results: Results) -> Table:
    """What the paper prints of others, and what their networks reach here under `masked-online`."""
    rows = []
    for name, printed in PRINTED_RIVALS.items():
        result = results.get(Cell(name, *MASKED, 0).name)
        rows.append([NETWORKS[name].title, f"{printed:.2f}", _score(result)])
    return ["network", "RMSE, printed", "here"], rows


def _row(row: str) -> dict[str, Cell]:
    return {cell.column: cell for cell in grid() if cell.row == row}


def _score(result: CellResult | None) -> str:
    if result is None:
        return "-"
    low, high = result.scores["test"]["score"]["interval"]
    text = f"{rmse_of(result):.2f} ({low:.2f}-{high:.2f})"
    return text if converged(result) else f"{text} not converged"


def _symbol(result: CellResult | None, base: CellResult | None) -> str:
    if result is None or base is None:
        return "-"
    if result is base:
        return "similar"
    if not (converged(result) and converged(base)):
        return "not converged"
    found = compare(result, base)
    if not found.decides:
        return "similar"
    if found.change > 0:
        return "worse"
    return next(symbol for least, symbol in SYMBOLS if -found.change >= least)


def markdown(table: Table, left: Sequence[int] = (0,)) -> str:
    """A table of a Markdown file."""
    header, rows = table
    rule = ["---" if index in left else "---:" for index in range(len(header))]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [header, rule, *rows])
