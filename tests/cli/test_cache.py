"""edgefkp cache shows what is kept, and removes that alone."""

import json
from pathlib import Path

import pytest

from edgefkp.cli import main


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("EDGEFKP_CACHE", str(folder))
    for name, size in (("data/a.npz", 1000), ("data/unpacked-1/b.png", 500), ("probed/c", 0), ("study/m.keras", 7)):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * size)
    (folder / "mine.txt").write_text("not of edgefkp")
    return folder


def run(capsys, *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stopped:
        main(["cache", *words])
    out, err = capsys.readouterr()
    return int(stopped.value.code or 0), out, err


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_it_counts_files_and_bytes_of_each_kind(cache, capsys):
    code, out, _ = run(capsys, "--json")
    found = {one["kind"]: (one["files"], one["bytes"]) for one in json.loads(out)["kinds"]}
    assert code == 0
    assert (found["data"], found["checks"], found["study"]) == ((2, 1500), (1, 0), (1, 7))
    code, out, _ = run(capsys)
    assert str(cache) in out
    assert max(map(len, out.splitlines())) <= 80


def test_clear_removes_what_is_made_again_and_nothing_else(cache, capsys):
    code, out, err = run(capsys, "clear")
    assert (code, out) == (0, "removed 3 files, 1.5 KB\n")
    assert "kept: study (7 bytes)" in err
    assert files(cache) == ["mine.txt", "study/m.keras"]
    assert run(capsys, "clear")[1] == "removed no file, 0 bytes\n"


def test_a_kind_is_removed_by_its_name(cache, capsys):
    assert run(capsys, "clear", "study")[1] == "removed 1 file, 7 bytes\n"
    assert files(cache) == ["data/a.npz", "data/unpacked-1/b.png", "mine.txt", "probed/c"]
    assert run(capsys, "clear", "mine.txt")[0] == 2


def test_a_link_is_removed_and_not_what_it_names(cache, tmp_path, capsys):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept").write_text("x")
    (cache / "litertjs").symlink_to(elsewhere)
    assert run(capsys, "clear", "litertjs")[0] == 0
    assert not (cache / "litertjs").is_symlink()
    assert files(elsewhere) == ["kept"]


def test_without_a_folder_nothing_is_kept(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("EDGEFKP_CACHE", str(tmp_path / "none"))
    assert run(capsys)[0] == 0
    assert run(capsys, "clear")[1] == "removed no file, 0 bytes\n"
