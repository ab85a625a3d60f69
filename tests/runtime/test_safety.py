import contextlib
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgefkp.card import TFLITE, Card, write_card
from edgefkp.errors import EdgefkpError, UsageError
from edgefkp.runtime import interpreters, passed, safety
from tests.altered_files import nan_on_images, without_outputs
from tests.runtime import isolated

TINY = Path(__file__).parents[1] / "fixtures" / "tiny.float32.tflite"


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEFKP_CACHE", str(tmp_path / "cache"))


def broken(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "broken.tflite"
    path.write_bytes(content)
    return path


def test_a_good_file_passes_and_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    safety.check(TINY)
    monkeypatch.setattr(safety, "try_in_child", lambda *_: pytest.fail("tried again"))
    safety.check(TINY)


def test_another_runtime_version_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    safety.check(TINY)
    tried = []
    monkeypatch.setattr(safety, "try_in_child", lambda probe, path, name, seconds: tried.append(name))
    monkeypatch.setattr(interpreters, "choose", lambda name, suffix="": interpreters.RuntimeInfo("litert", "99"))
    safety.check(TINY)
    assert tried == ["litert"]


def test_empty_and_foreign_files(tmp_path: Path) -> None:
    with pytest.raises(EdgefkpError, match="is empty"):
        safety.check(broken(tmp_path, b""))
    with pytest.raises(EdgefkpError, match="is not a"):
        safety.check(broken(tmp_path, b"PK\3\4" + bytes(100)))
    with pytest.raises(EdgefkpError, match="is a folder"):
        safety.check(tmp_path)


@pytest.mark.parametrize("kept", [0.02, 0.5, 0.95])
def test_truncated_files_are_refused(tmp_path: Path, kept: float) -> None:
    content = TINY.read_bytes()
    with pytest.raises(EdgefkpError, match=r"broken\.tflite"):
        safety.check(broken(tmp_path, content[: int(len(content) * kept)]))


@pytest.mark.parametrize("name", [info.name for info in interpreters.installed() if info.name != "tensorflow"])
def test_overwritten_bytes_never_kill_this_process(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 12 files with 64 overwritten bytes in the structure, most are refused, and this process lives."""
    hang_after(monkeypatch, name, 5)  # one of them makes tflite-runtime hang
    random = np.random.default_rng(3)
    refused = 0
    for _ in range(12):
        content = np.frombuffer(TINY.read_bytes(), np.uint8).copy()
        content[random.integers(8, len(content), 64)] = random.integers(0, 256, 64)
        with contextlib.suppress(EdgefkpError):
            safety.check(broken(tmp_path, content.tobytes()), name)
            continue
        refused += 1
    assert refused >= 6


def hang_after(monkeypatch: pytest.MonkeyPatch, name: str, seconds: float) -> None:
    changed = replace(interpreters.RUNTIMES[name], probe_seconds=seconds)
    monkeypatch.setitem(interpreters.RUNTIMES.known, name, changed)


def test_a_crash_is_named_by_its_signal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(safety, "probe", isolated.crash_on)
    with pytest.raises(EdgefkpError, match=r"is damaged: it kills litert \(SIGSEGV\)"):
        safety.check(TINY, "litert")


def test_a_hang_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safety, "probe", isolated.hang_on)
    hang_after(monkeypatch, interpreters.choose().name, 1)
    started = time.monotonic()
    with pytest.raises(EdgefkpError, match="hangs on it"):
        safety.check(TINY)
    assert time.monotonic() - started < 30


def test_what_a_child_computes_is_what_this_process_does() -> None:
    images = np.random.default_rng(0).integers(0, 256, (30, 96, 96), np.uint8)
    done: list[int] = []
    found = safety.run_in_child(TINY, images, progress=done.append)
    model = interpreters.load(TINY)
    np.testing.assert_array_equal(found.keypoints, model.predict(images))
    np.testing.assert_array_equal(found.outputs, model.run(images))
    assert (found.runtime, found.version) == (model.runtime, model.version)
    assert done == [25, 5]


def test_a_file_that_does_not_run_in_a_child_is_named(tmp_path: Path) -> None:
    path = broken(tmp_path, TINY.read_bytes()[:3000])
    with pytest.raises(EdgefkpError, match=r"broken\.tflite"):
        safety.run_in_child(path, np.zeros((1, 96, 96), np.uint8))


def test_bytes_altered_since_the_export_are_seen_by_the_card(tmp_path: Path) -> None:
    path = broken(tmp_path, TINY.read_bytes())
    write_card(path, Card(TFLITE, "broken"))
    safety.check(path)
    content = bytearray(path.read_bytes())
    weights = content.index(np.frombuffer(content, np.uint8)[3000:3040].tobytes())
    content[weights] ^= 1
    path.write_bytes(content)
    with pytest.raises(EdgefkpError, match="not the file that its card"):
        safety.check(path)


def test_a_file_that_gives_nan_on_images_alone_is_refused(tmp_path: Path) -> None:
    path = broken(tmp_path, nan_on_images())
    with pytest.raises(EdgefkpError, match="produces NaN or infinity"):
        safety.check(path)
    model = interpreters.load(path)
    black, white = np.zeros((1, 96, 96), np.uint8), np.full((1, 96, 96), 255, np.uint8)
    assert np.isfinite(model.predict(black)).all()
    with pytest.raises(EdgefkpError, match="produces NaN or infinity"):  # whoever looks at no file first
        model.predict(white)
    with pytest.raises(EdgefkpError, match="produces NaN or infinity"):
        safety.run_in_child(path, white)


def test_a_file_without_outputs_is_no_keypoint_network(tmp_path: Path) -> None:
    path = broken(tmp_path, without_outputs())
    safety.check(path)
    with pytest.raises(EdgefkpError, match="takes 1x96x96x1 and gives nothing"):
        interpreters.load(path).predict(np.zeros((1, 96, 96), np.uint8))
    with pytest.raises(EdgefkpError, match="takes 1x96x96x1 and gives nothing"):
        safety.run_in_child(path, np.zeros((1, 96, 96), np.uint8))


def test_what_other_code_let_through_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    safety.check(TINY)
    tried: list[str] = []
    monkeypatch.setattr(safety, "try_in_child", lambda probe, path, name, seconds: tried.append(name))
    monkeypatch.setattr(passed, "checker", lambda: "another")
    safety.check(TINY)
    safety.check(TINY)
    assert len(tried) == 1


def test_the_checkers_hash_is_that_of_its_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(passed, "_ROOM", tmp_path / "runtime")
    (tmp_path / "runtime").mkdir()
    seen = set()
    for content in ("one", "two"):
        (tmp_path / "runtime" / "safety.py").write_text(content)
        seen.add(passed.checker.__wrapped__())
    (tmp_path / "card.py").write_text("the hall counts, too")
    seen.add(passed.checker.__wrapped__())
    assert len(seen) == 3


def test_more_threads_than_a_machine_can_have_are_a_usage_error() -> None:
    for threads in (0, 100_000):
        with pytest.raises(UsageError, match=r"threads were asked for; 1 to 1024 can be"):
            interpreters.load(TINY, threads=threads)
