"""Build the wheel and the sdist for a package index: python -m bench.package OUT [--url URL].

The sdist holds every file of the checkout. An index shows README.md without the files beside it, so its relative links
are made absolute there, with the URL that is given; README.md in the checkout stays as it is.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import click

from bench import run
from edgefkp.cli.options import log
from edgefkp.errors import EnvironmentProblem
from edgefkp.files import write_text
from edgefkp.runtime.scratch import scratch_folder

ROOT = Path(__file__).resolve().parents[1]
_LINK = re.compile(r"(?P<before>(?P<image>!?)\[[^\]]*\]\()(?P<target>[^)#:\s]+)(?P<after>(#[^)\s]*)?\))")


def absolute_links(text: str, pages: str, images: str) -> str:
    """Markdown with `pages` before the target of each relative link, `images` before that of each relative image."""

    def link(match: re.Match[str]) -> str:
        base = (images if match["image"] else pages).rstrip("/")
        return f"{match['before']}{base}/{match['target'].removeprefix('./')}{match['after']}"

    return _LINK.sub(link, text)


def copy_checkout(folder: Path) -> list[str]:
    """Copy the files that git tracks in ROOT into `folder`; returns their names. Raises EnvironmentProblem."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    names = [name for name in done.stdout.decode().split("\0") if name and (ROOT / name).is_file()]
    if done.returncode or not names:
        raise EnvironmentProblem(f"{ROOT} is no checkout of git", "run this program in a clone")
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    return names


@click.command()
@click.argument("out", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--url", help="Where the files of this version can be read, such as https://HOST/OWNER/REPOSITORY/blob/TAG."
)
@click.option("--images-url", help="Where its images can be loaded. [default: --url]")
def main(out: Path, url: str | None, images_url: str | None) -> None:
    """Build the wheel and the sdist into OUT; needs the package build."""
    with scratch_folder() as folder:
        names = copy_checkout(folder)
        write_text(folder / "MANIFEST.in", "".join(f"include {name}\n" for name in names if " " not in name))
        if url:
            text = (folder / "README.md").read_text(encoding="utf-8")
            write_text(folder / "README.md", absolute_links(text, url, images_url or url))
        else:
            log("README.md keeps its relative links, which an index cannot follow; --url makes them absolute")
        done = subprocess.run(
            [sys.executable, "-m", "build", "--outdir", str(out.absolute()), str(folder)],
            stdout=sys.stderr,
            check=False,
        )
    if done.returncode:
        raise EnvironmentProblem("the package could not be built", "pip install build; its messages are above")
    for path in sorted(out.iterdir()):
        click.echo(path)


if __name__ == "__main__":
    run(main)
