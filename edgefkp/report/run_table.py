"""The final table of a run, for terminals (at most 100 columns), Markdown and the page."""

from collections.abc import Sequence

from edgefkp.report.result import FileResult, ModelResult, RunResult

WIDTH = 100  # columns of a terminal
HEADERS = (
    ("network", ""),
    ("treatment", ""),
    ("para-", "meters"),
    ("KB", "Keras"),
    ("KB", "float"),
    ("KB", "int8"),
    ("s/100", "float"),
    ("s/100", "int8"),
    ("RMSE", "Keras"),
    ("RMSE", "int8"),
    ("faces", ""),
)
TEXT_COLUMNS = 2  # on the left; the others hold numbers
MARK = "*"


def rows(result: RunResult) -> list[list[str]]:
    """A row for each network, then one for the constant mean shape; "-" where there is nothing to show.

    RMSE in px of the 96x96 image; s/100 is seconds per 100 images; MARK follows the name of a network that does not
    beat the mean shape.
    """
    table = [_row(result, model) for model in result.models]
    mean = f"{result.mean_shape_rmse:.2f}"
    return [*table, ["mean shape", *["-"] * 7, mean, "-", str(result.faces)]]


def _row(result: RunResult, model: ModelResult) -> list[str]:
    float32, int8 = model.file("float32"), model.file("int8")
    return [
        model.network + ("" if result.trained_enough(model) else MARK),
        model.imputation_name,
        f"{model.parameters:,}",
        kilobytes(model.bytes),
        kilobytes(float32.bytes) if float32 else "-",
        kilobytes(int8.bytes) if int8 else "-",
        _seconds(float32),
        _seconds(int8),
        f"{model.rmse:.2f}",
        f"{int8.rmse:.2f}" if int8 else "-",
        str(result.faces),
    ]


def _seconds(file: FileResult | None) -> str:
    return f"{file.seconds_per_100:#.3g}" if file else "-"


def kilobytes(count: int) -> str:
    return f"{count / 1000:,.0f}"


def notes(result: RunResult) -> list[str]:
    """Lines that belong below the table wherever it is shown."""
    weak = [model.network for model in result.models if not result.trained_enough(model)]
    lines = [
        f"RMSE in px of the 96x96 image over {result.coordinates:,} coordinates of {result.faces} held-out faces "
        f"({result.data['name']}); Keras: before conversion, int8: after.",
        f"{timing(result)}; KB = 1000 bytes.",
    ]
    if weak:
        lines.append(f"{MARK} not trained enough: does not beat the mean shape ({', '.join(weak)}).")
    suspect = [
        f"{file.file} {file.verdict} ({file.reasons[0]})"
        for model in result.models
        for file in model.files
        if file.verdict != "VALID"
    ]
    if suspect:
        lines.append(f"Times to doubt: {', '.join(suspect)}.")
    if result.quick:
        lines.append("A quick run: trained and timed only long enough to show that everything works.")
    return lines


def timing(result: RunResult) -> str:
    """Where the times come from: a latency without these means nothing."""
    runtime, machine = result.runtime, result.machine
    threads = f"{runtime['threads']} thread{'' if runtime['threads'] == 1 else 's'}"
    return f"s/100: seconds per 100 images, {runtime['name']} {runtime['version']}, {threads}, {machine['name']}"


def terminal(result: RunResult) -> str:
    """The table and its notes, no line longer than WIDTH."""
    import textwrap

    import tabulate

    # The headers go in as rows: tabulate pads a column wider than its header, and the table must fit WIDTH.
    body = [*(list(line) for line in zip(*HEADERS, strict=True)), *rows(result)]
    align = ["left"] * TEXT_COLUMNS + ["right"] * (len(HEADERS) - TEXT_COLUMNS)
    for gap in ("  ", " "):
        row = tabulate.DataRow("", gap, "")
        style = tabulate.TableFormat(None, None, None, None, row, row, 0, None)
        lines = tabulate.tabulate(body, tablefmt=style, colalign=align, disable_numparse=True).splitlines()
        width = max(map(len, lines))
        if width <= WIDTH:
            break
    lines.insert(2, "-" * width)
    return "\n".join([*map(str.rstrip, lines), "", *(textwrap.fill(note, WIDTH) for note in notes(result))])


def markdown(result: RunResult) -> str:
    """The table as Markdown, its notes below."""
    headers = [f"{unit} {of}".strip().replace("- ", "") for unit, of in HEADERS]
    rule = ["---"] * TEXT_COLUMNS + ["---:"] * (len(HEADERS) - TEXT_COLUMNS)
    body = [[_escaped(cell) for cell in row] for row in rows(result)]
    lines = [_line(headers), _line(rule), *map(_line, body), "", *(f"{_escaped(note)}  " for note in notes(result))]
    return "\n".join(lines).rstrip()


def _escaped(text: str) -> str:
    return text.replace(MARK, rf"\{MARK}").replace("_", r"\_")


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
