"""edgefkp bench show: stored results again, in any form; nothing is measured."""

from pathlib import Path

import click

from edgefkp.cli.options import print_json

FORMS = ("table", "markdown", "csv", "json", "html", "schema")


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--as", "form", type=click.Choice(FORMS), default="table", show_default=True)
def command(files: tuple[Path, ...], form: str) -> None:
    """Render stored results (FILES of one or several boards) on stdout as one table, Markdown, CSV, JSON or HTML.

    schema: the JSON Schema that they follow.
    """
    from edgefkp.bench import result, table
    from edgefkp.bench.operator_table import operator_tables
    from edgefkp.records import json_schema

    results = [result.read(file) for file in files]
    if form == "json":
        print_json(results)
    elif form == "schema":
        print_json(json_schema(result.Result, result.SCHEMA))
    elif form == "html":
        from edgefkp.report.bench_page import page

        click.echo(page(results), nl=False)
    else:
        made = table.details(results) if form == "csv" else table.table_of(results)
        shown = {"table": made.text, "markdown": made.markdown, "csv": made.csv}[form]()
        profiles = operator_tables(results) if form == "table" else []
        click.echo("\n\n".join([shown, *(profile.text() for profile in profiles)]))
