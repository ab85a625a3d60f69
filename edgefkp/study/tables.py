"""The paper's tables from the study, with what the paper printed beside what was found here.

Each shows "-" for a cell that is missing and for what was not measured.
"""

from collections.abc import Sequence

from edgefkp.bench import machine
from edgefkp.data.info import Info
from edgefkp.evaluation.table import Table, significant
from edgefkp.networks.costs import cost_of
from edgefkp.networks.registry import NETWORKS
from edgefkp.study.cell import CellResult, Epoch, StudyCell
from edgefkp.study.comparison import compare, converged, interval_of, mean_shape_of, rmse_of
from edgefkp.study.evidence import HOWS, Evidence, Results, StartEpoch, Timing, seed_noise
from edgefkp.study.grid import MASKED, ONCE, column_names, grid

# RMSE that the paper prints of others (section 2), in px; it gives no RMSE of its own networks.
PRINTED_RIVALS = {"naimishnet": 1.77, "inception": 2.91, "residual": 2.23, "shi": 1.97, "gao": 1.75}
# Table 2 of the paper: change of RMSE for no imputation, forward fill, KNN and augmentation.
PRINTED_CHANGES = {
    "mobilenetv2_frozen": ("similar", "similar", "+", "+"),
    "mobilenetv2": ("similar", "similar", "++", "+++"),
    "nasnetmobile_frozen": ("similar", "similar", "similar", "+"),
    "nasnetmobile": ("similar", "similar", "similar", "+++"),
}
# Table 4 of the paper, seconds per 100 images (least and most of its four imputations); its tuned networks differ.
PRINTED_SECONDS = {
    "baseline": (1.97, 2.01),
    "manual": (1.33, 1.40),
    "tuned_drop": (2.72, 2.72),
    "tuned_ffill": (1.52, 1.52),
    "tuned_knn": (4.19, 4.19),
    "tuned_augment": (3.58, 3.58),
    "mobilenetv2": (0.82, 1.00),
    "nasnetmobile": (7.68, 8.46),
}
# Ours: by how much a cell's RMSE is below that of the same network under `drop`, if the interval leaves 0 out.
SYMBOLS = ((0.3, "+++"), (0.15, "++"), (0.0, "+"))
UNLIKE = "†"  # after networks that were trained on other terms
NOTE_UNLIKE = f"{UNLIKE} without ImageNet weights, trained at 96x96 pixels on 30,000 images."
RANDOM = "‡"  # after one that starts from random weights, on equal terms otherwise
NOTE_SCORES = f"{NOTE_UNLIKE} {RANDOM} without ImageNet weights."


def sizes(evidence: Evidence) -> Table:
    """Table 1: parameters and megabytes as .h5, the paper's and ours, and as .tflite."""
    rows = []
    for name in NETWORKS:
        if name.endswith("_frozen"):
            continue
        network, cost = NETWORKS[name], cost_of(name)
        printed = f"{network.paper_parameters:,}" if network.paper_parameters else "-"
        megabytes = f"{network.paper_megabytes:.2f}" if network.paper_megabytes else "-"
        ours = [_megabytes(evidence.size(name, kind)) for kind in ("h5", "float32", "int8")]
        if not (network.from_paper or any(size != "-" for size in ours)):
            continue  # a network of ours that was not measured with these
        title = network.title.removesuffix(", fine-tuned")
        rows.append([title, printed, f"{cost.parameters:,}" if cost else "-", megabytes, *ours])
    header = ["network", "parameters, paper", "parameters, here", "MB .h5, paper", "MB .h5, here"]
    header += ["MB float32 .tflite", "MB int8 .tflite"]
    return Table.of(header, rows)


def changes(results: Results) -> Table:
    """Table 2: the change of RMSE that each imputation brings, as symbols: the paper's / ours."""
    columns = [name for name in column_names() if name != "masked-online"]
    noise = seed_noise(results)
    rows = []
    for row, printed in PRINTED_CHANGES.items():
        cells = _row(row)
        base = results.get(cells["drop"].name)
        found = [_symbol(results.get(cells[column].name), base, noise) for column in columns]
        rows.append([_label(row), *(f"{theirs} / {ours}" for theirs, ours in zip(printed, found, strict=True))])
    return Table.of(["network", *columns], rows, [NOTE_UNLIKE])


def scores(results: Results) -> Table:
    """Table 3: RMSE in px with half of its 95 % interval, by comparison.py's coordinates."""
    rows: dict[str, dict[str, str]] = {}
    for cell in grid():
        rows.setdefault(cell.row, dict.fromkeys(column_names(), "-"))[cell.column] = _score(results.get(cell.name))
    for row in ONCE:
        for column in column_names()[:-1]:
            rows[row][column] = ""  # not of the grid
    titled = [[_label(row), *marks.values()] for row, marks in rows.items()]
    return Table.of(["network", *column_names()], titled, [NOTE_SCORES])


def every_score(results: Results) -> Table:
    """Of every trained cell: RMSE over Kaggle's coordinates, over all 15 points, over complete rows, NME; and how its
    training went: the floats of a step (bf16: mixed with float32; /2: in two shards), minutes times cores.
    """
    rows = []
    for cell in grid():
        if result := results.get(cell.name):
            test, mean = result.scores.test, rmse_of(result) / mean_shape_of(result)
            score = test.score
            values = (result.scores.validation_rmse, test.kaggle_rmse, score.rmse, score.rmse_complete, score.nme)
            numbers = ["-" if value is None else f"{value:.3f}" for value in values]
            plan = result.training["plan"]
            floats = "bf16" if "bfloat16" in plan["precision"] else "f32"
            floats += f"/{plan['lanes']}" if plan["lanes"] > 1 else ""
            rows.append([cell.name, *numbers, f"{mean:.0%}", floats, f"{result.seconds * result.cores / 60:.0f}"])
    header = ["cell", "validation", "Kaggle's", "15 points", "complete", "NME %", "of mean shape", "floats", "core min"]
    return Table.of(header, rows)


def rivals(results: Results) -> Table:
    """What the paper prints of others, and what their networks reach here under `masked-online`."""
    rows = []
    for name, printed in PRINTED_RIVALS.items():
        result = results.get(StudyCell(name, *MASKED, 0).name)
        rows.append([NETWORKS[name].title, f"{printed:.2f}", _score(result)])
    return Table.of(["network", "RMSE px, printed", "RMSE px, here"], rows)


def seconds(evidence: Evidence) -> Table:
    """Table 4: seconds per 100 images, the paper's (Keras on Colab) and ours, with half of the 95 % interval."""
    rows = []
    for name in NETWORKS:
        if name.endswith("_frozen"):
            continue
        network, cost = NETWORKS[name], cost_of(name)
        low, high = PRINTED_SECONDS.get(name, (None, None))
        printed = "-" if low is None else f"{low:.2f}" if low == high else f"{low:.2f}-{high:.2f}"
        ours = [_time(evidence.timing(name, how)) for how in HOWS]
        if not (network.from_paper or any(time != "-" for time in ours)):
            continue
        macs = f"{cost.macs / 1e6:,.0f}" if cost else "-"
        rows.append([network.title.removesuffix(", fine-tuned"), macs, printed, *ours])
    return Table.of(["network", "M MACs", "paper", *HOWS.values()], rows, [conditions(evidence)])


def nulls(info: Info | None) -> Table:
    """Figure 1: how many training faces lack each point."""
    if info is None:
        return Table.of(["point", "missing"], [])
    train = info.train
    counts = {**train.missing, "any of them": train.faces - train.complete}
    rows = [[name, f"{count:,}", f"{count / train.faces:.1%}"] for name, count in counts.items()]
    return Table.of(["point", f"missing of {train.faces:,}", "share"], rows)


def starts(evidence: Evidence) -> Table:
    """Validation RMSE in px of cells that were trained from a random last layer, too, half way and at the end."""
    rows = []
    for name, former in evidence.starts.items():
        if (result := evidence.former.get(name) or evidence.results.get(name)) is None:
            continue
        half = former.images / 2
        pairs = [_at(former.history, half), _at(result.history, half)]
        pairs += [former.validation_rmse, result.scores.validation_rmse]
        rows.append([name, *(f"{value:.2f}" for value in pairs)])
    return Table.of(["cell", "half way, random", "mean shape", "best, random", "mean shape"], rows)


def heads(evidence: Evidence) -> Table:
    """RMSE in px of the cells whose heads were solved, and of the same heads as training steps had left them."""
    rows = []
    for cell in (cell for cell in grid() if cell.solved):
        former, result = evidence.former.get(cell.name), evidence.results.get(cell.name)
        if former is None or result is None or "head" not in result.training:
            continue
        pairs = [former.scores.validation_rmse, result.scores.validation_rmse, rmse_of(former), rmse_of(result)]
        found = compare(result, former)
        low, high = (1 + edge for edge in found.interval)
        ratio = f"{1 + found.change:.2f} ({low:.2f}-{high:.2f})"
        images, strength = f"{result.history[-1]['images']:,}", f"{result.training['head']['strength']:.2g}"
        rows.append([cell.name, *(f"{value:.2f}" for value in pairs), ratio, images, strength])
    header = ["cell", "validation, by steps", "solved", "test, by steps", "solved", "ratio", "images", "strength"]
    return Table.of(header, rows)


def _at(history: Sequence[StartEpoch | Epoch], images: float) -> float:
    return float(next((row for row in history if row["images"] >= images), history[-1])["validation_rmse"])


def conditions(evidence: Evidence) -> str:
    """Where the times of table 4 were measured."""
    if evidence.bench is None:
        return "Not timed yet: python bench/zoo.py FOLDER, then edgefkp bench FOLDER --mode invoke --name zoo."
    row = evidence.bench.rows[0]
    where = f"TFLite: {row.runtime} {row.version}, {row.threads} thread, {machine.title(evidence.bench.machine)}"
    keras = f"Keras {evidence.zoo.versions['keras']}: predict in batches of 32, all cores" if evidence.zoo else ""
    load = f"load average {evidence.bench.load:.1f} before the run, " if evidence.bench.load is not None else ""
    doubts = f"disturbed: {', '.join(evidence.doubts)}" if evidence.doubts else ""
    return "; ".join(filter(None, [where, keras, f"{load}bench's verdict {evidence.bench.verdict}", doubts])) + "."


def _row(row: str) -> dict[str, StudyCell]:
    return {cell.column: cell for cell in grid() if cell.row == row}


def _label(row: str) -> str:
    mark = UNLIKE if row.startswith("nasnetmobile") else RANDOM if row == "resnet50" else ""
    return f"{row}{mark}"


def _megabytes(size: int | None) -> str:
    return "-" if size is None else f"{size / 1e6:.2f}"


def _score(result: CellResult | None) -> str:
    if result is None:
        return "-"
    if not converged(result):
        return "not converged"
    low, high = interval_of(result)
    return f"{rmse_of(result):.2f} ±{(high - low) / 2:.2f}"


def _time(timing: Timing | None) -> str:
    if timing is None:
        return "-"
    low, high = timing.interval
    return f"{significant(timing.seconds)} ±{(high - low) / 2 / timing.seconds:.0%}"


def _symbol(result: CellResult | None, base: CellResult | None, noise: float) -> str:
    if result is None or base is None:
        return "-"
    if result is base:
        return "similar"
    if not (converged(result) and converged(base)):
        return "not converged"
    found = compare(result, base)
    if not found.decides or abs(found.change) <= noise:
        return "similar"
    if found.change > 0:
        return "worse"
    return next(symbol for least, symbol in SYMBOLS if -found.change >= least)
