"""`shareledger fingerprint`: the fingerprint of a table or file, with no ledger and no server."""

from pathlib import Path
from typing import Annotated

import typer

from ledger.cli.command import command, noun
from ledger.cli.output import Answer
from ledger.cli.run import Run

app = noun("Fingerprint a table or file where it lies 计算指纹.")
_KEYS = "Salts"
_READING = "How it is read"
_QUERY = "Queries"
_RESUMING = "After a break"


@command(app, "fingerprint")
def fingerprint(
    run: Run,
    target: Annotated[
        str | None,
        typer.Argument(
            help="A table (csv, jsonl, parquet, arrow), any other file, or the address of a database.",
            metavar="FILE|URL",
            show_default=False,
        ),
    ] = None,
    key_file: Annotated[
        str | None,
        typer.Option(
            help="File with the segment key, 64 hex digits, or - for standard input.",
            metavar="FILE",
            rich_help_panel=_KEYS,
        ),
    ] = None,
    open_data: Annotated[bool, typer.Option("--open", help="Open data: no salts.", rich_help_panel=_KEYS)] = False,
    format: Annotated[
        str | None,
        typer.Option(help="share-record/1, share-record-sd/1 or share-file/1; by the file's name unless given."),
    ] = None,
    schema: Annotated[Path | None, typer.Option(help="Columns and types, a JSON file; else the table's own.")] = None,
    twin: Annotated[bool, typer.Option("--twin", help="Also the root under SM3.")] = False,
    form: Annotated[
        str | None,
        typer.Option(help="csv, jsonl, parquet or arrow; by the file's name unless given.", rich_help_panel=_READING),
    ] = None,
    encoding: Annotated[str, typer.Option(help="utf-8 or gb18030.", rich_help_panel=_READING)] = "utf-8",
    delimiter: Annotated[str, typer.Option(help="Between cells.", rich_help_panel=_READING)] = ",",
    no_header: Annotated[
        bool, typer.Option("--no-header", help="The first row is a record.", rich_help_panel=_READING)
    ] = False,
    null: Annotated[
        list[str] | None, typer.Option(help="A text that means null; may be repeated.", rich_help_panel=_READING)
    ] = None,
    zone_offset: Annotated[
        str | None, typer.Option(help="Of timestamps without one: +08:00.", rich_help_panel=_READING)
    ] = None,
    query: Annotated[
        str | None, typer.Option(help="What to ask the database: one SELECT.", rich_help_panel=_QUERY)
    ] = None,
    order_by: Annotated[
        list[str] | None,
        typer.Option(
            help="Columns of a unique key, separated by commas: the order of the records.", rich_help_panel=_QUERY
        ),
    ] = None,
    url_file: Annotated[
        str | None,
        typer.Option(
            help="File of mode 0600 with the database's address, or - for standard input: for one with a password.",
            metavar="FILE",
            rich_help_panel=_QUERY,
        ),
    ] = None,
    resume_file: Annotated[
        Path | None,
        typer.Option(
            help="Where to note how far it got; in the user's state folder unless given.", rich_help_panel=_RESUMING
        ),
    ] = None,
    no_resume: Annotated[
        bool, typer.Option("--no-resume", help="Start anew, and note nothing.", rich_help_panel=_RESUMING)
    ] = False,
) -> Answer:
    """Fingerprint a table or file and print format, salted, schema, root, records and seconds."""
    from ledger.cli.fingerprinting import Asked, take

    return take(
        run,
        Asked(
            target=target,
            url_file=url_file,
            key_file=key_file,
            open_data=open_data,
            format=format,
            schema=schema,
            twin=twin,
            form=form,
            read={
                "encoding": encoding,
                "delimiter": delimiter,
                "header": not no_header,
                "null": null or [],
                "zone_offset": zone_offset,
            },
            query=query,
            order=[column for each in order_by or [] for column in each.split(",")],
            resume_file=resume_file,
            resumes=not no_resume,
        ),
    )
