"""Kaggle's own files, through Kaggle's own client: the only code of the package that uses the network for data."""

import shutil
from pathlib import Path

from edgefkp.data.formats.kaggle import is_kaggle
from edgefkp.errors import EdgefkpError, EnvironmentProblem
from edgefkp.files import replacing, visible

COMPETITION = "facial-keypoints-detection"
_RULES = f"https://www.kaggle.com/c/{COMPETITION}/rules"


def download(folder: Path) -> Path:
    """Put the competition's files into `folder`, which is then a dataset.

    Raises EnvironmentProblem if the client, an account's key, its consent to the rules, or the network is
    missing; EdgefkpError where the folder cannot be written.
    """
    fetched = _fetch()
    for file in visible(fetched):
        with replacing(folder / file.name) as temporary:
            shutil.copyfile(file, temporary)
    if not is_kaggle(folder):
        held = ", ".join(file.name for file in visible(fetched)) or "nothing"
        raise EdgefkpError(f"Kaggle sent {held}; expected training.zip and test.zip", f"see {_RULES}")
    return folder


def _fetch() -> Path:
    try:
        import kagglehub
        import kagglehub.exceptions
        import requests  # comes with kagglehub
    except ImportError:
        raise EnvironmentProblem(
            "downloading needs Kaggle's client, which is not installed", "pip install 'edgefkp[kaggle]'"
        ) from None
    try:
        return Path(kagglehub.competition_download(COMPETITION))
    except (kagglehub.exceptions.UnauthenticatedError, kagglehub.exceptions.CredentialError, ValueError) as error:
        raise EnvironmentProblem(
            f"no usable Kaggle account on this machine: {error}",
            "create an API token in Kaggle's account settings; set KAGGLE_API_TOKEN, or save ~/.kaggle/kaggle.json",
        ) from None
    except requests.HTTPError as error:
        status = error.response.status_code if error.response is not None else 0
        if status not in (401, 403):
            raise EnvironmentProblem(f"Kaggle answered with an error: {_line(error)}", "try again later") from None
        raise EnvironmentProblem(
            f"Kaggle refused the download ({status}): the token is not valid, or the rules are not accepted yet",
            f"accept them at {_RULES} and try again",
        ) from None
    except (requests.RequestException, OSError) as error:
        raise EnvironmentProblem(
            f"cannot reach Kaggle: {_line(error)}",
            "check the network, or download the files elsewhere and give their folder: --data FOLDER",
        ) from None


def _line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:150]
