"""A bundle from anybody runs nothing but its own files, within limits."""

import json
import os
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgefkp.bench import bundle, result, unbundle
from edgefkp.bench.plan import cases_of
from edgefkp.cli import main
from edgefkp.errors import EdgefkpError
from edgefkp.runtime import interpreters, safety
from tests.altered_files import without_outputs
from tests.bench_parts import BRIEF, FLOAT, INT8, labeled
from tests.runtime import isolated


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    cases = cases_of([INT8], modes=("invoke",))
    return bundle.make_zip(tmp_path_factory.mktemp("bundle") / "b.zip", cases, labeled(), BRIEF)


@pytest.fixture
def folder(packed: Path, tmp_path: Path) -> Path:
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(tmp_path / "b")
    return tmp_path / "b"


def zip_of(folder: Path, path: Path, more: dict[str, bytes] | None = None) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(folder))
        for name, content in (more or {}).items():
            archive.writestr(name, content)
    return path


def changed(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    job = json.loads((folder / "job.json").read_text())
    change(job)
    (folder / "job.json").write_text(json.dumps(job))


def set_case(**fields: Any) -> Callable[[dict[str, Any]], None]:
    return lambda job: job["cells"][0].update(fields)


def set_settings(**fields: Any) -> Callable[[dict[str, Any]], None]:
    return lambda job: job["settings"].update(fields)


def set_files(**files: str) -> Callable[[dict[str, Any]], None]:
    return lambda job: job["sha256"].update({name.replace("_", "/"): digest for name, digest in files.items()})


def refuse(path: Path, scratch: Path, message: str) -> None:
    with pytest.raises(EdgefkpError, match=message), unbundle.opened(path, scratch):
        pass


def test_a_python_and_a_delegate_of_its_own_are_not_started(folder: Path, tmp_path: Path) -> None:
    bait = tmp_path / "bait"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {bait}\n")
    program.chmod(0o755)
    for name, what in (("python", "Python"), ("delegate", "delegate")):
        changed(folder, set_case(**{name: str(program)}))
        refuse(folder, tmp_path, f"names a {what} to start")
        with pytest.raises(SystemExit) as caught:
            main(["bench", "--bundle", str(zip_of(folder, tmp_path / "b.zip")), "--out", str(tmp_path / "out")])
        assert caught.value.code == 1
        changed(folder, set_case(**{name: ""}))
    assert not bait.exists()


def test_with_trust_they_are(folder: Path, tmp_path: Path) -> None:
    changed(folder, set_case(python="/other/python", delegate="./own.so"))
    with unbundle.opened(folder, tmp_path, trust=True) as opened:
        assert (opened.cases[0].python, opened.cases[0].delegate) == ("/other/python", "./own.so")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (set_case(threads=100_000), "100000 threads; 1 to 1024"),
        (set_case(threads=0), "0 threads"),
        (set_case(mode="rm"), "the mode 'rm'"),
        (set_case(runtime="\x1b[2J"), "names the runtime"),
        (set_case(file="../../job.json"), "expected names of files"),
        (set_case(file="/etc/passwd"), "expected names of files"),
        (set_case(file="\x1b[2J.tflite"), "expected names of files"),
        (set_case(file="other.tflite"), "No such file"),
        (set_case(new_field=1), "new_field"),
        (set_settings(processes=10**9), "processes"),
        (set_settings(processes=-1), "processes"),
        (set_settings(processes="5"), "processes is str"),
        (set_settings(pause=10**9), "a pause of"),
        (set_settings(seconds=10**9), "s a process"),
        (set_settings(seconds=-1.0), "s a process"),
        (set_settings(warm_seconds=[5, 1e12]), "of warm-up"),
        (set_settings(pin=[10**30]), "CPUs that no machine has|too large"),
        (set_settings(processes=1000, seconds=500.0), "over the 1024 MiB, 1000 cases, 12 h allowed"),
        (lambda job: job.update(cells=job["cells"] * 2000), "asks for 2000 cases"),
        (lambda job: job.update(sha256=[]), "sha256 is list"),
        (lambda job: job.update(cells=None), "cells is NoneType"),
        (lambda job: job.pop("settings"), "settings is missing"),
        (set_files(_dev_zero="0" * 64), "expected names of files"),
        (set_files(missing="0" * 64), "No such file"),
    ],
)
def test_jobs_that_no_edgefkp_makes_are_refused(
    folder: Path, tmp_path: Path, change: Callable[[dict[str, Any]], None], message: str
) -> None:
    changed(folder, change)
    refuse(folder, tmp_path, message)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[]", "holds a list, expected the object that is a job"),
        ("null", "holds null"),
        ("3", "holds a number"),
        ("", "job.json"),
        ("{}", "job.json is not of edgefkp.bundle"),
        ('{"schema": %s}', "job.json is not a whole bundle job: .* is missing"),
        ('{"schema": %s, "cells": [], "settings": 5, "sha256": {}}', "job.json is not a whole bundle job: settings"),
    ],
)
def test_the_fault_of_a_job_is_named_before_what_is_missing_beside_it(
    tmp_path: Path, content: str, message: str
) -> None:
    folder = tmp_path / "b"
    folder.mkdir()
    (folder / "job.json").write_text(content.replace("%s", json.dumps(bundle.SCHEMA)))
    refuse(folder, tmp_path, message)
    refuse(zip_of(folder, tmp_path / "b.zip"), tmp_path / "out", message)


def test_a_file_without_a_hash_is_refused(folder: Path, tmp_path: Path) -> None:
    changed(folder, lambda job: job["sha256"].clear())
    refuse(folder, tmp_path, r"tiny\.int8\.tflite was damaged")


@pytest.mark.parametrize("name", ["job.json", "images.npz", "golden.npz", f"files/{INT8.name}", "files"])
@pytest.mark.parametrize("what", ["link", "pipe", "zeros"])
def test_only_plain_files_are_read(folder: Path, tmp_path: Path, name: str, what: str) -> None:
    path = folder / name
    moved = path.rename(tmp_path / "moved")
    if what == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(moved if what == "link" else "/dev/zero")
    refuse(folder, tmp_path, "is not a plain file|is a link|Not a directory")


def test_a_zip_that_unpacks_to_much_is_refused_before_it_is_written(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unbundle, "LIMITS", unbundle.Limits(mebibytes=8))
    bomb = zip_of(folder, tmp_path / "bomb.zip", {"files/zeros": bytes(20 << 20)})
    assert bomb.stat().st_size < 1 << 20
    refuse(bomb, tmp_path / "out", "unpacks|unpacked")
    assert not list((tmp_path / "out").iterdir())
    (folder / "images.npz").unlink()
    np.savez_compressed(folder / "images.npz", images=np.zeros(20 << 20, np.uint8))
    refuse(folder, tmp_path, "unpacks|unpacked")


def test_nothing_but_a_bundles_parts_is_unpacked(folder: Path, tmp_path: Path) -> None:
    more = {name: b"x" for name in ("../slip", "/tmp/edgefkp-slip", "files/../../slip", "files/a/b", "other", "lock")}
    path = zip_of(folder, tmp_path / "slip.zip", more)
    out = tmp_path / "out"
    with unbundle.opened(path, out) as opened:
        unpacked = Path(opened.cases[0].file).parents[1]
        names = sorted(str(file.relative_to(unpacked)) for file in unpacked.rglob("*") if file.is_file())
    assert names == [f"files/{INT8.name}", "golden.npz", "images.npz", "job.json"]
    assert not list(tmp_path.rglob("slip"))
    assert not list(out.iterdir())


def test_a_link_in_a_zip_is_no_link(folder: Path, tmp_path: Path) -> None:
    (folder / "files" / INT8.name).unlink()
    path = zip_of(folder, tmp_path / "link.zip")
    with zipfile.ZipFile(path, "a") as archive:
        link = zipfile.ZipInfo(f"files/{INT8.name}")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, str(INT8))
    refuse(path, tmp_path / "out", r"tiny\.int8\.tflite was damaged")


@pytest.mark.parametrize("name", ["images.npz", "golden.npz"])
@pytest.mark.parametrize("damage", ["text", "cut", "array", "pickle", "shape", "infinite"])
def test_arrays_of_another_form_are_refused(folder: Path, tmp_path: Path, name: str, damage: str) -> None:
    path = folder / name
    arrays = dict(np.load(path))
    content = path.read_bytes()
    key = "keypoints" if name == "images.npz" else INT8.name
    if damage == "text":
        path.write_text("no arrays")
    elif damage == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "array":
        with open(path, "wb") as stream:
            np.save(stream, np.zeros(3))
    elif damage == "pickle":
        np.savez(path, **{**arrays, key: np.array([object()], object)})
    elif damage == "shape":
        np.savez(path, **{**arrays, key: np.zeros((3, 3), np.float32)})
    else:
        np.savez(path, **{**arrays, key: np.full_like(arrays[key], np.inf)})
    refuse(folder, tmp_path, name)


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04" + bytes(100)])
def test_what_is_no_zip_is_named_and_leaves_nothing(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(content)
    refuse(path, tmp_path / "out", r"x\.zip is not a")
    assert not list((tmp_path / "out").iterdir())


def test_a_device_is_no_bundle(tmp_path: Path) -> None:
    refuse(Path("/dev/zero"), tmp_path, "neither a zip nor a folder")


def test_a_folder_that_cannot_be_written_is_named(packed: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    refuse(packed, tmp_path / "file" / "out", "cannot write")


def test_two_runs_of_one_zip_do_not_harm_each_other(packed: Path, tmp_path: Path) -> None:
    with unbundle.opened(packed, tmp_path) as opened:
        refuse(packed, tmp_path, "is being measured already")
        assert Path(opened.cases[0].file).is_file()
    assert not list(tmp_path.iterdir())


def test_the_limits_are_printed(packed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["bench", "--bundle", str(packed), "--out", str(tmp_path), "--name", "b"])
    assert caught.value.code == 0
    said = "bundle: runs only the files in it, in this Python; at most 1024 MiB, 1000 cases, 12 h (--trust for more)"
    assert said in capsys.readouterr().err
    assert len(result.read(tmp_path / "b.json").rows) == 1


def test_a_file_that_kills_its_process_is_not_packed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(safety, "run_file", isolated.crash_on)
    with pytest.raises(EdgefkpError, match=r"tiny\.int8\.tflite is damaged: it kills its process \(SIGSEGV\)"):
        bundle.make(tmp_path, cases_of([INT8]), labeled(), BRIEF)


def test_packing_runs_no_file_in_this_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    silent = tmp_path / "silent.tflite"
    silent.write_bytes(without_outputs())
    monkeypatch.setattr(interpreters, "load", lambda *_, **__: pytest.fail("loaded here"))
    with pytest.warns(bundle.NoReference, match=r"silent\.tflite gives no points here"):
        made = bundle.make(tmp_path / "b", cases_of([FLOAT, silent]), labeled(), BRIEF)
    opened = unbundle.open_folder(made)
    assert list(opened.reference) == [FLOAT.name]


def test_what_is_no_tflite_is_not_packed(tmp_path: Path) -> None:
    text = tmp_path / "text.tflite"
    text.write_text("no model")
    with pytest.raises(EdgefkpError, match=r"text\.tflite is not a \.tflite file"):
        bundle.make_zip(tmp_path / "b.zip", cases_of([text]), labeled(), BRIEF)
    assert not (tmp_path / "b.zip").exists()
