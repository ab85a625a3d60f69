"""What edgefkp evaluate prints."""

from collections.abc import Sequence

from edgefkp.errors import counted
from edgefkp.evaluation.evaluate import Evaluation
from edgefkp.evaluation.gates import METRICS, GateResult, parse_gate
from edgefkp.evaluation.metrics import Score
from edgefkp.evaluation.normalized import LIMITS, TITLES
from edgefkp.evaluation.properties import PROPERTIES
from edgefkp.evaluation.slices import Slice
from edgefkp.evaluation.table import Column, Table
from edgefkp.layout import REFERENCE_SIDE


def evaluation_text(evaluation: Evaluation) -> str:
    """The score of one file: what was counted, every metric, the parts and the gates that were asked for."""
    from tabulate import tabulate

    s = evaluation.score
    on = f" on {evaluation.accelerator}" if evaluation.accelerator else ""
    rows = [
        ("file", f"{evaluation.file} ({evaluation.runtime} {evaluation.version}{on})"),
        (
            "data",
            f"{evaluation.data['name']}, {evaluation.data['part']}: {counted(s.faces, 'face')}, "
            f"{counted(s.coordinates, 'coordinate')}",
        ),
        ("RMSE", f"{s.rmse:.4f} px  (95 %: {s.interval[0]:.3f} - {s.interval[1]:.3f}, bootstrap over persons)"),
    ]
    if evaluation.side != REFERENCE_SIDE:
        rows.append(("", f"{_at_reference(evaluation):.4f} px of a {REFERENCE_SIDE}x{REFERENCE_SIDE} image"))
    if evaluation.offsets:
        fitted = evaluation.offsets["training_faces"]
        rows.append(("offsets", f"each point's mean error on {fitted} faces of training persons is taken off"))
    if layout := evaluation.data.get("layout"):
        rows.insert(2, ("points", f"{len(s.rmse_per_point)} of {layout}, which follow from the model's"))
    if evaluation.kaggle_rmse is not None:
        rows.append(
            (
                "Kaggle's score",
                f"{evaluation.kaggle_rmse:.4f} px  ({counted(evaluation.kaggle_coordinates, 'coordinate')})",
            )
        )
    if s.rmse_complete is not None:
        rows.append(("complete faces", f"{s.rmse_complete:.4f} px  ({counted(s.complete_faces, 'face')})"))
    rows.append(("point error", "  ".join(f"{name} {value:.2f}" for name, value in s.percentiles.items()) + " px"))
    rows += deviation_rows(evaluation)
    points = [(name, value) for name, value in s.rmse_per_point.items() if value is not None]
    parts = [
        tabulate(rows, tablefmt="plain"),
        *([normalized_table(s).text()] if s.normalized else []),
        tabulate(points, headers=["point", "RMSE px"], floatfmt=".3f"),
        *([slice_table(evaluation.slices, s.nme_by).text()] if evaluation.slices else []),
        *([gate_table(evaluation.gates).text()] if evaluation.gates else []),
    ]
    return "\n\n".join(parts)


def deviation_rows(evaluation: Evaluation) -> list[tuple[str, str]]:
    """What the model's own deviations are worth; nothing for a model without them."""
    found = evaluation.deviation
    if found is None:
        return []
    shares = "  ".join(
        f"{100 * share:.1f} % within {number} (nominal {100 * wanted:.1f})"
        for number, (share, wanted) in enumerate(zip(found.within, found.nominal, strict=True), 1)
    )
    area = "-" if found.far_auroc is None else f"{found.far_auroc:.3f}"
    return [
        ("deviations", shares),
        ("", f"{found.likelihood}, root mean square {found.deviation:.3f} px"),
        ("", f"AUROC {area} for the {found.far_points} of {found.points} points at least {found.far:g} px off"),
    ]


def normalized_table(score: Score) -> Table:
    """NME by each length of the face, with failure rate and AUC."""
    heads = ["NME, per cent of", "faces", "NME", "95 %"]
    for limit in LIMITS:
        heads += [f"failed\nat {limit} %", f"AUC\nat {limit} %"]
    rows = []
    for name, one in score.normalized.items():
        ends = [cell for at in map(str, LIMITS) for cell in (f"{one.failure_rate[at]:.2f} %", f"{one.auc[at]:.3f}")]
        rows.append([TITLES.get(name, name), str(one.faces), f"{one.nme:.2f}", _range(one.interval), *ends])
    return Table.of(heads, rows)


def slice_table(slices: Sequence[Slice], nme_by: str) -> Table:
    """A row for each part of the faces; what a property is stands below. nme_by: what NME is normalized by."""
    columns = [
        Column("by", "left", narrowest=8),
        Column("part", "left", narrowest=12),
        Column("faces"),
        Column("persons", drop=2),
        Column("RMSE px"),
        Column("95 %", drop=3),
        Column("NME %"),
        Column("95 %"),
        Column("failed\nat 8 %", drop=1),
    ]
    rows, last = [], None
    for one in slices:
        rows.append(
            [
                "" if one.by == last else one.by,
                one.name,
                str(one.faces),
                str(one.persons),
                f"{one.rmse:.3f}",
                _range(one.interval),
                "-" if one.nme is None else f"{one.nme:.2f}",
                "-" if one.nme_interval is None else _range(one.nme_interval),
                f"{one.failure_rate['8']:.1f} %" if one.failure_rate else "-",
            ]
        )
        last = one.by
    used = dict.fromkeys(one.by for one in slices)
    notes = [f"{name}: {PROPERTIES[name].description}" for name in used if name in PROPERTIES]
    few = "95 %: bootstrap over persons; few persons in a part make it too narrow."
    return Table(columns, rows, [*notes, f"NME: in per cent of: {TITLES.get(nme_by, nme_by)}", few])


def gate_table(gates: Sequence[GateResult]) -> Table:
    rows = []
    for gate in gates:
        unit = METRICS[parse_gate(gate.gate).metric][0]
        value = "-" if gate.value is None else f"{gate.value:.4g}{unit}"
        rows.append([gate.gate, "met" if gate.met else "NOT MET", value, str(gate.faces)])
    return Table.of(("gate", "", "value", "faces"), rows, words=2)


def comparison_table(evaluations: Sequence[Evaluation]) -> Table:
    """A row for each of several files."""
    columns = [
        Column("file", "left", narrowest=36),
        Column("RMSE px"),
        Column("95 %", drop=1),
        Column("NME %"),
        Column("95 %", drop=3),
        Column("failed\nat 8 %"),
        *(Column(f"AUC\nat {limit} %", drop=drop) for limit, drop in zip(LIMITS, (0, 2), strict=True)),
    ]
    sides = dict.fromkeys(f"{one.side}x{one.side}" for one in evaluations)
    if several := len(sides) > 1:
        columns.insert(2, Column(f"px of\n{REFERENCE_SIDE}x{REFERENCE_SIDE}"))
    rows = []
    for one in evaluations:
        own = one.score.own
        normalized = (
            [f"{own.nme:.2f}", _range(own.interval), f"{own.failure_rate['8']:.2f} %"] if own else ["-", "-", "-"]
        )
        areas = [f"{own.auc[str(limit)]:.3f}" if own else "-" for limit in LIMITS]
        alike = [f"{_at_reference(one):.4f}"] if several else []
        rows.append([one.file, f"{one.score.rmse:.4f}", *alike, _range(one.score.interval), *normalized, *areas])
    first = evaluations[0]
    by = TITLES.get(first.score.nme_by, "")
    data = f"{first.data['name']}, {first.data['part']}: {counted(first.score.faces, 'face')}"
    notes = [data, f"RMSE in px of {', '.join(sides)} images; NME in per cent of: {by}"]
    if first.offsets:
        fitted = first.offsets["training_faces"]
        notes.append(f"each point's mean error on {fitted} faces of training persons is taken off")
    return Table(columns, rows, notes)


def _at_reference(evaluation: Evaluation) -> float:
    """The RMSE as it were in an image of the first networks' side: networks of other sides compare in it."""
    return evaluation.score.rmse * REFERENCE_SIDE / evaluation.side


def _range(interval: tuple[float, float]) -> str:
    return f"{interval[0]:.2f}-{interval[1]:.2f}"
