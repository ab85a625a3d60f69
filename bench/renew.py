"""After a training of our own networks: everything that depends on their weights, made again in order.

    python -m bench.renew --data lfw-kaggle --mobilenetv2 FOLDER [--photos photos.npz] [--free-faces FOLDER]
        [--faces68 FILE] [--second-seed FILE.keras ...] [--peer FILE.tflite ...] [--python PYTHON]
        [--from STEP | --only STEP] [--list]

Files of every scheme that export/ has, the shipped copies, reference vectors, the presence check, scores, times, tables
and plots. A step whose data are not given is named and left out. Each step is one or more commands, which are printed
first; they run in the repository's root, and the first that fails ends the run: mend it and go on with --from STEP. The
steps from `times` on want a quiet machine. FOLDER holds mobilenetv2.float32.tflite and .int8.tflite (edgefkp export),
which times are relative to. --python is of the environment with dlib (bench/peers/requirements.txt).
"""

import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from bench import run
from edgefkp.card import card_path
from edgefkp.cli.options import log
from edgefkp.errors import EdgefkpError, UsageError
from edgefkp.export.schemes import parse_tflite
from edgefkp.files import visible, write_bytes
from edgefkp.runtime import shipped

ROOT = Path(__file__).resolve().parents[1]
# In ROOT, where every command runs.
EXPORT, MODELS, RESULTS, PAGES, BUILD = (Path(name) for name in ("export", "models", "bench/results", "docs", "build"))
LANDMARKS = ("small.ibug68-masked-online", "small.ibug68.112rgb-masked-online")  # of 68 points
NETWORKS = tuple(f"{name}-masked-online" for name in ("nano", "small", "best"))
TIMED = ("dynamic", "int8", "float32")  # schemes in the table of peers


@dataclass(frozen=True)
class Command:
    """What is typed, and where its output goes if not to the terminal."""

    words: tuple[str, ...]
    out: Path | None = None

    def __str__(self) -> str:
        python, *rest = self.words
        return shlex.join(["python" if python == sys.executable else python, *rest]) + (
            f" > {self.out}" if self.out else ""
        )

    def run(self) -> int:
        """Its exit status; an output file is written only where that is 0."""
        if self.out is None:
            return subprocess.run(self.words, cwd=ROOT).returncode
        done = subprocess.run(self.words, cwd=ROOT, stdout=subprocess.PIPE)
        if not done.returncode:
            write_bytes(ROOT / self.out, done.stdout)
        return done.returncode


@dataclass(frozen=True)
class Given:
    """Paths that only a maintainer has; None where a step has to be left out."""

    data: str
    mobilenetv2: Path | None = None
    photos: Path | None = None
    free_faces: Path | None = None
    faces68: Path | None = None
    seconds: tuple[Path, ...] = ()
    peers: tuple[Path, ...] = ()
    python: str = sys.executable


@dataclass(frozen=True)
class Step:
    """One part of the work, as commands of this repository."""

    what: str
    commands: Callable[[Given], Iterator[Command]]
    needs: tuple[str, ...] = ()  # fields of Given


def schemes_of(model: str) -> list[str]:
    """The schemes that export/ has of a model."""
    return [parse_tflite(path).scheme for path in visible(ROOT / EXPORT, f"{model}.*.tflite")]


def _edgefkp(*words: object, out: Path | None = None) -> Command:
    return Command((sys.executable, "-m", "edgefkp", *map(str, words)), out)


def _bench(program: str, *words: object, python: str = sys.executable) -> Command:
    return Command((python, "-m", f"bench.{program}", *map(str, words)))


def _networks(*names: str) -> list[Path]:
    return [MODELS / f"{name}.keras" for name in names]


def _deviations(given: Given) -> Iterator[Command]:
    for path in _networks(*NETWORKS):
        words = ("--from", path, "--deviation", "--data", given.data, "--labels", "full", "--out", MODELS, "--replace")
        yield _edgefkp("train", path.name.partition("-")[0], *words)


def _exports(given: Given) -> Iterator[Command]:
    for model in NETWORKS:
        quants = [word for scheme in schemes_of(model) for word in ("--quant", scheme)]
        yield _edgefkp("export", *_networks(model), *quants, "--data", given.data, "--out", EXPORT)
    every = (*_networks("manual-masked-online", *NETWORKS), "--quant", "all", "--out", BUILD / "export", "--json")
    yield _edgefkp("export", *every, "--data", given.data, out=PAGES / "results/export.json")


def _landmarks(given: Given) -> Iterator[Command]:
    for model in LANDMARKS:
        quants = [word for scheme in schemes_of(model) for word in ("--quant", scheme)]
        yield _edgefkp("export", *_networks(model), *quants, "--data", given.faces68, "--out", EXPORT)
    files = [EXPORT / f"{model}.{scheme}.tflite" for model in LANDMARKS for scheme in schemes_of(model)]
    yield _bench("peers.landmarks68", *files, "--data", given.faces68, python=given.python)


def _ship(given: Given) -> Iterator[Command]:
    yield _bench("renew", "--ship", "--data", given.data)
    yield _bench("make_reference_vectors")


def ship() -> list[Path]:
    """Copy the shipped files and their cards from export/ and models/; the paths that were written."""
    copies: dict[Path, Path] = {}
    for path in (*shipped.models(), *shipped.models(".keras")):
        source = ROOT / (EXPORT if path.suffix == ".tflite" else MODELS) / path.name
        copies |= {source: path, card_path(source): card_path(path)}
    for source in copies:
        if not source.is_file():
            raise EdgefkpError(f"{source} is missing", "python -m bench.renew --only export makes it")
    return [Path(shutil.copyfile(source, copy)) for source, copy in copies.items()]


def _presence(given: Given) -> Iterator[Command]:
    about = ("--photos", given.photos, "--finder", "edge", "--model", EXPORT / f"{NETWORKS[1]}.float32.tflite")
    samples = [BUILD / f"presence-{seed}.npz" for seed in (0, 1)]
    for seed, path in enumerate(samples):
        yield _bench("fit_presence", "gather", *about, "--seed", seed, "--out", path)
    yield _bench("fit_presence", "fit", *about, *(word for path in samples for word in ("--samples", path)))


def _scores(given: Given) -> Iterator[Command]:
    yield _bench("seeds", *_networks(*NETWORKS[:2]), *given.seconds, "--data", given.data)
    scored = (EXPORT / f"{NETWORKS[1]}.int8.tflite", "--data", given.data, "--by", "pose,sharpness,brightness")
    yield _edgefkp("evaluate", *scored, "--json", out=PAGES / "results/evaluation-small.json")
    yield _bench("quantizers", "--data", given.data)
    yield _bench("finders", "--data", given.data, "--out", RESULTS / "finders.json")
    yield _bench("track", "--out", RESULTS / "track.json")


def _poses(given: Given) -> Iterator[Command]:
    about = ("--upright", given.free_faces, "--only", "placed=hand", "--out", RESULTS / "pose.json")
    yield _bench("pose", "--data", given.data, *about)
    yield _bench("own_faces", BUILD / "own-faces", "--data", given.free_faces)


def _files() -> list[Path]:
    found = [EXPORT / f"{model}.{scheme}.tflite" for model in NETWORKS for scheme in TIMED]
    return [path for path in found if (ROOT / path).exists()]


def _robustness(given: Given) -> Iterator[Command]:
    files = [*given.peers, *(EXPORT / f"{model}.dynamic.tflite" for model in NETWORKS)]
    yield _bench("peers.peers", *files, "--data", given.data, "--robustness", python=given.python)


def _times(given: Given) -> Iterator[Command]:
    assert given.mobilenetv2 is not None
    others = [EXPORT / f"manual-masked-online.{scheme}.tflite" for scheme in TIMED[:2]]
    others += [given.mobilenetv2 / f"mobilenetv2.{scheme}.tflite" for scheme in ("float32", "int8")]
    yield _bench("peers.peers", *given.peers, *_files(), *others, "--data", given.data, python=given.python)
    yield _bench("pipeline", "--out", RESULTS / "pipeline.json")
    about = ("--labels", "full", "--split", "test", "--time", "--work", BUILD / "deviation")
    yield _bench("deviation", *_networks(*NETWORKS), "--data", given.data, *about)
    yield _bench("structures", BUILD / "structures")


def _documents(given: Given) -> Iterator[Command]:
    yield _bench("pareto", RESULTS / "peers.json", PAGES / "pareto.png")
    pages = [path.relative_to(ROOT) for path in visible(ROOT / PAGES, "*.md")]
    yield _bench("render_docs", "README.md", *pages)


STEPS = {
    "deviations": Step("a standard deviation for each point, in models/", _deviations),
    "export": Step("files of every scheme, with cards and model cards", _exports),
    "landmarks": Step("files of 68 points, and their errors", _landmarks, ("faces68",)),
    "ship": Step("the copies in the package, and their reference vectors", _ship),
    "presence": Step("the presence check, for the new points", _presence, ("photos",)),
    "scores": Step("errors: seeds, quantizers, behind the finder, while tracking", _scores),
    "poses": Step("head poses, and networks that learn from own faces", _poses, ("free_faces",)),
    "robustness": Step("errors on altered faces, beside the peers", _robustness, ("peers",)),
    "times": Step("times beside the peers, of the pipeline and of structures", _times, ("mobilenetv2", "peers")),
    "documents": Step("tables and plots of README and docs", _documents),
}


def chosen(first: str | None, only: str | None) -> list[str]:
    """Names of the steps to take. Raises UsageError for both."""
    if first and only:
        raise UsageError("--from and --only contradict each other", "give one of them")
    names = list(STEPS)
    return [only] if only else names[names.index(first) :] if first else names


FOUND = click.Path(path_type=Path, exists=True, resolve_path=True)


@click.command(help=__doc__, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--data",
    type=click.Path(resolve_path=True),
    required=True,
    help="The faces that the networks were trained on, with a test part.",
)
@click.option("--mobilenetv2", type=FOUND, help="Folder of its two files.")
@click.option("--photos", type=FOUND, help="Of bench.finder.photos.")
@click.option("--free-faces", type=FOUND, help="Faces of people who pose.")
@click.option("--faces68", type=FOUND, help="Faces with 68 points.")
@click.option("--second-seed", "seconds", multiple=True, type=FOUND, help="A .keras file of another seed.")
@click.option("--peer", "peers", multiple=True, type=FOUND, help="An imported file.")
@click.option("--python", default=sys.executable, help="Of the environment with dlib.")
@click.option("--from", "first", type=click.Choice(list(STEPS)), help="Go on with this step.")
@click.option("--only", type=click.Choice(list(STEPS)), help="Take this step alone.")
@click.option("--list", "listed", is_flag=True, help="Print the commands and run none.")
@click.option("--ship", "copies", is_flag=True, help="Copy the shipped files alone.")
def main(first: str | None, only: str | None, listed: bool, copies: bool, **given: object) -> None:
    if copies:
        for path in ship():
            log(str(path.relative_to(ROOT)))
        return
    (ROOT / BUILD).mkdir(exist_ok=True)
    paths = Given(**given)  # type: ignore[arg-type]
    for name in chosen(first, only):
        step = STEPS[name]
        log(f"== {name}: {step.what}")
        if missing := [field for field in step.needs if not getattr(paths, field)]:
            log(f"left out: --{missing[0].replace('_', '-').replace('peers', 'peer')} is not given")
            continue
        for command in step.commands(paths):
            log(str(command))
            if not listed and (code := command.run()):
                raise EdgefkpError(f"the last command ended with exit status {code}", f"mend it; then --from {name}")


if __name__ == "__main__":
    run(main)
