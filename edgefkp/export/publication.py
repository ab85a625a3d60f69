"""What a model hub is given: the files of a model, their cards, and the model card as its front page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from edgefkp.card import Card, card_path, require_card_hash
from edgefkp.data.license import NOT_STATED
from edgefkp.errors import EdgefkpError, EnvironmentProblem
from edgefkp.export.model_card import cards_of, render
from edgefkp.files import sha256_file

FRONT_PAGE = "README.md"  # where a hub looks for the model card


@dataclass(frozen=True)
class PublishedFile:
    file: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Publication:
    model: str
    folder: Path
    terms: list[str]  # of the data, of what the model was fine-tuned from, of imported weights
    files: list[PublishedFile]  # the .tflite files and their cards
    front_page: str  # Markdown with a YAML head


def gather(model: str, folder: Path) -> Publication:
    """What would be published of `model`.

    Raises EdgefkpError where `folder` has no file of it with a current card, a file is not the one that its card
    describes, or a card does not state the terms of what the model was made from.
    """
    cards = cards_of(model, folder)
    if not cards:
        raise EdgefkpError(f"no file of {model} with a current card in {folder}", f"make one: edgefkp export {model}")
    paths = [folder / card.file for card in cards]
    for path in paths:
        require_card_hash(path, sha256_file(path))
    terms = list(dict.fromkeys(text for card in cards for text in _terms(card)))
    files = [_file(one) for path in paths for one in (path, card_path(path))]
    return Publication(model, folder, terms, files, render(model, cards))


def _terms(card: Card) -> Iterable[str]:
    """Raises EdgefkpError where one of them is missing: nobody may use what has no terms."""
    sources = [one.license for one in (card.data, card.start) if one]
    sources += [card.imported.get("license", "")] if card.imported else []
    if not sources or any(text in ("", NOT_STATED) for text in sources):
        raise EdgefkpError(
            f"the card of {card.file} does not state the terms of what it was made from",
            "state them where it is made: --license of edgefkp train, run or import",
        )
    return sources


def _file(path: Path) -> PublishedFile:
    return PublishedFile(path.name, path.stat().st_size, sha256_file(path))


def upload(publication: Publication, repository: str, public: bool) -> str:
    """Send it as one commit; the repository is made if it is not there. Returns its address.

    Raises EnvironmentProblem where the hub's client or a token is missing, or the hub refuses or cannot be reached.
    """
    try:
        from huggingface_hub import CommitOperationAdd, HfApi, errors, get_token
    except ImportError:
        raise EnvironmentProblem(
            "publishing needs the hub's client, which is not installed", "pip install 'edgefkp[publish]'"
        ) from None
    if not (token := get_token()):
        raise EnvironmentProblem("there is no token of the hub on this machine", "set HF_TOKEN, or type: hf auth login")
    operations = [CommitOperationAdd(one.file, str(publication.folder / one.file)) for one in publication.files]
    operations.append(CommitOperationAdd(FRONT_PAGE, publication.front_page.encode()))
    api = HfApi(token=token)
    try:
        address = api.create_repo(repository, private=not public, exist_ok=True)
        api.create_commit(repository, operations, commit_message=f"{publication.model}, by edgefkp")
    except errors.HFValidationError as error:
        raise EdgefkpError(f"no name of a repository: {repository}", "OWNER/NAME") from error
    except errors.HfHubHTTPError as error:
        status = error.response.status_code if error.response is not None else "no status"
        raise EnvironmentProblem(
            f"the hub refused ({status}): {_line(error)}", f"a token that may write to {repository} is needed"
        ) from error
    except Exception as error:  # whatever the client's own network library raises
        raise EnvironmentProblem(f"cannot reach the hub: {_line(error)}", "check the network, and try again") from error
    return str(address)


def _line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:150]
