"""edgefkp publish: a model's files, their cards and its model card on a hub; a dry run without --yes."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgefkp.cli.options import folder_option, json_option, log, print_json

if TYPE_CHECKING:
    from edgefkp.evaluation.table import Table
    from edgefkp.export.publication import Publication


@click.command("publish")
@click.argument("model")
@click.option("--repo", metavar="OWNER/NAME", required=True, help="Repository on the Hugging Face hub.")
@click.option("--yes", is_flag=True, help="Send it. Without this option nothing is sent.")
@click.option("--public", is_flag=True, help="Make a new repository that everybody can read. [default: private]")
@folder_option("--export-dir", "export", "Folder of the files.")
@json_option
def command(model: str, repo: str, yes: bool, public: bool, export_dir: Path, as_json: bool) -> None:
    """Show what of MODEL would be published, and publish it with --yes.

    These are the .tflite files of MODEL, the JSON card of each, and the model card as README.md, with a head that hubs
    read. A file whose card does not state the terms of its data is refused. A token is taken from HF_TOKEN or from
    `hf auth login`.
    """
    from edgefkp.export.publication import gather, upload

    publication = gather(model.removesuffix(".tflite"), export_dir)
    if as_json:
        print_json(publication)
    else:
        click.echo(publication_table(publication).text())
    if yes:
        log(f"published: {upload(publication, repo, public)}")
    else:
        log(f"dry run: nothing was sent to {repo}; --yes sends it")


def publication_table(publication: "Publication") -> "Table":
    from edgefkp.evaluation.table import Table
    from edgefkp.export.publication import FRONT_PAGE

    rows = [[one.file, f"{one.bytes / 1000:,.1f}", one.sha256[:16]] for one in publication.files]
    rows.append([FRONT_PAGE, f"{len(publication.front_page.encode()) / 1000:,.1f}", "-"])
    notes = [f"terms: {text}" for text in publication.terms]
    return Table.of(["file", "KB", "sha256"], rows, notes)
