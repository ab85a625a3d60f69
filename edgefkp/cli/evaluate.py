"""edgefkp evaluate: a model file's score on labeled faces."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgefkp.cli.options import data_option, json_option, log, print_json, runtime_option
from edgefkp.data.progress import progress_bar
from edgefkp.data.split import PARTS
from edgefkp.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edgefkp.data.faces import Dataset
    from edgefkp.evaluation.evaluate import Evaluation
    from edgefkp.evaluation.robustness import Condition


@click.command("evaluate")
@click.argument("model", type=click.Path(path_type=Path))
@data_option()
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
@runtime_option()
@json_option
def command(
    model: Path,
    data: str,
    part: str,
    label_src: str | None,
    submission: Path | None,
    solution: Path | None,
    robustness: bool,
    runtime: str | None,
    as_json: bool,
) -> None:
    """Score MODEL (a file or the name of a shipped one) on the labeled faces of DATA, in pixels of its input."""
    from edgefkp.data.formats import open_dataset
    from edgefkp.data.kaggle_tables import write_submission
    from edgefkp.evaluation.evaluate import evaluate, part_of, with_solution
    from edgefkp.runtime.predictor import open_predictor
    from edgefkp.runtime.shipped import find_model

    model = model if model.exists() else find_model(model)
    predictor = open_predictor(model, runtime)
    source = open_dataset(data, "csv", predictor.spec.layout, predictor.spec.input)
    if solution:
        source = with_solution(source, solution)
    if submission:
        if source.lookup is None or part != "test":
            raise UsageError(
                "a submission needs Kaggle's test.csv and IdLookupTable.csv",
                "use --data FOLDER with both, and --split test",
            )
        write_submission(submission, source.lookup, predictor.predict(part_of(source, part).images))
        log(f"wrote {submission}")
        if not part_of(source, part).labeled.any():
            return
    if robustness:
        _robustness(model, source, part, _sources(label_src), runtime, as_json)
        return
    evaluation, _ = evaluate(model, source, part, _sources(label_src), runtime)
    if as_json:
        print_json(evaluation)
    else:
        click.echo(evaluation_table(evaluation))


def _robustness(
    model: Path, source: "Dataset", part: str, label_sources: tuple[int, ...] | None, runtime: str | None, as_json: bool
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
    click.echo(f"\n{result.file} ({result.runtime} {result.version}), {source.name}, {part}: {len(faces)} faces")


def _sources(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    try:
        return tuple(int(word) for word in text.split(","))
    except ValueError:
        raise UsageError(f"--label-src {text} is not a list of numbers", "for example: --label-src 1,2") from None


def evaluation_table(evaluation: "Evaluation") -> str:
    from tabulate import tabulate

    s = evaluation.score
    rows = [
        ("file", f"{evaluation.file} ({evaluation.runtime} {evaluation.version})"),
        ("data", f"{evaluation.data['name']}, {evaluation.data['part']}: {s.faces} faces, {s.coordinates} coordinates"),
        ("RMSE", f"{s.rmse:.4f} px  (95 %: {s.interval[0]:.3f} - {s.interval[1]:.3f}, bootstrap over persons)"),
    ]
    if evaluation.kaggle_rmse is not None:
        rows.append(
            ("Kaggle's score", f"{evaluation.kaggle_rmse:.4f} px  ({evaluation.kaggle_coordinates} coordinates)")
        )
    if s.rmse_complete is not None:
        rows.append(("complete faces", f"{s.rmse_complete:.4f} px  ({s.complete_faces} faces)"))
    if s.nme is not None:
        rows.append(("NME", f"{s.nme:.2f} % of the distance between the eyes"))
    rows.append(("point error", "  ".join(f"{name} {value:.2f}" for name, value in s.percentiles.items()) + " px"))
    points = [(name, value) for name, value in s.rmse_per_point.items() if value is not None]
    table = tabulate(rows, tablefmt="plain")
    return f"{table}\n\n{tabulate(points, headers=['point', 'RMSE px'], floatfmt='.3f')}"
