"""What is published of a model, and what is refused."""

import json
import shutil
import sys
import types
from pathlib import Path

import pytest

from edgefkp.cli import main
from edgefkp.errors import EdgefkpError, EnvironmentProblem
from edgefkp.export.publication import FRONT_PAGE, gather, upload

SHIPPED = Path(__file__).parents[2] / "edgefkp/runtime/shipped"
MODEL = "small-masked-online"


@pytest.fixture
def folder(tmp_path) -> Path:
    for suffix in (".json", ".tflite"):
        shutil.copy(SHIPPED / f"{MODEL}.int8{suffix}", tmp_path)
    return tmp_path


@pytest.fixture
def hub(monkeypatch):
    """Stands for the hub's client: what is sent is kept."""
    sent = types.SimpleNamespace(repositories=[], commits=[], error=None, token="secret")

    class Api:
        def __init__(self, token):
            assert token == sent.token

        def create_repo(self, name, private, exist_ok):
            assert exist_ok
            if sent.error:
                raise sent.error
            sent.repositories.append((name, private))
            return f"hub/{name}"

        def create_commit(self, name, operations, commit_message):
            sent.commits.append([operation[0] for operation in operations])

    errors = types.SimpleNamespace(
        HFValidationError=type("HFValidationError", (ValueError,), {}),
        HfHubHTTPError=type("HfHubHTTPError", (OSError,), {"response": types.SimpleNamespace(status_code=403)}),
    )
    client = types.ModuleType("huggingface_hub")
    client.HfApi, client.errors = Api, errors  # type: ignore[attr-defined]
    client.CommitOperationAdd = lambda name, content: (name, content)  # type: ignore[attr-defined]
    client.get_token = lambda: sent.token  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "huggingface_hub", client)
    sent.errors = errors
    return sent


def alter_card(folder: Path, **changes) -> None:
    path = folder / f"{MODEL}.int8.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_files_cards_terms_and_a_front_page_are_gathered(folder):
    found = gather(MODEL, folder)
    assert [one.file for one in found.files] == [f"{MODEL}.int8.tflite", f"{MODEL}.int8.json"]
    assert found.terms
    assert found.front_page.startswith("---\nlicense: other\n")


@pytest.mark.parametrize("terms", ["", "not stated: ask whoever gave you the faces"])
def test_a_card_without_terms_is_refused(folder, terms):
    data = json.loads((folder / f"{MODEL}.int8.json").read_text())["data"]
    name = "license" if "license" in data else "licence"
    alter_card(folder, data=data | {name: terms})
    with pytest.raises(EdgefkpError, match="does not state the terms") as caught:
        gather(MODEL, folder)
    assert "--license" in caught.value.hint


def test_what_is_not_the_card_s_file_or_is_not_there_is_refused(folder):
    with pytest.raises(EdgefkpError, match="no file of other with a current card"):
        gather("other", folder)
    alter_card(folder, sha256="0" * 64)
    with pytest.raises(EdgefkpError, match="is not the file that its card"):
        gather(MODEL, folder)


def test_without_yes_nothing_is_sent(folder, hub, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["publish", MODEL, "--repo", "me/model", "--export-dir", str(folder)])
    out, err = capsys.readouterr()
    assert ended.value.code == 0
    assert hub.repositories == hub.commits == []
    assert "dry run: nothing was sent to me/model" in err
    assert "terms: " in out
    assert max(map(len, out.splitlines())) <= 80


def test_with_yes_one_commit_is_sent(folder, hub, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["publish", MODEL, "--repo", "me/model", "--export-dir", str(folder), "--yes"])
    assert ended.value.code == 0
    assert hub.repositories == [("me/model", True)]
    assert hub.commits == [[f"{MODEL}.int8.tflite", f"{MODEL}.int8.json", FRONT_PAGE]]
    assert "published: hub/me/model" in capsys.readouterr().err


def test_what_the_hub_lacks_or_refuses_is_said(folder, hub):
    publication = gather(MODEL, folder)
    hub.error = hub.errors.HfHubHTTPError("Forbidden")
    with pytest.raises(EnvironmentProblem, match=r"the hub refused \(403\): Forbidden"):
        upload(publication, "me/model", public=False)
    hub.error = ConnectionError("no route")
    with pytest.raises(EnvironmentProblem, match="cannot reach the hub: no route"):
        upload(publication, "me/model", public=False)
    hub.token = None
    with pytest.raises(EnvironmentProblem, match="no token"):
        upload(publication, "me/model", public=False)


def test_a_missing_client_is_named(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(EnvironmentProblem, match="client") as caught:
        upload(gather(MODEL, folder), "me/model", public=False)
    assert "edgefkp[publish]" in caught.value.hint
