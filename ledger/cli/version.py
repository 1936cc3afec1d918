"""`shareledger version`: fingerprints on the ledger, and checking copies against them."""

from pathlib import Path
from typing import Annotated, Any

import typer

from ledger.cli.acts import ActCommand, act_command
from ledger.cli.at_hand import signs_here
from ledger.cli.client import segment
from ledger.cli.command import command, noun
from ledger.cli.failures import InvalidOption
from ledger.cli.options import ACT, CLIENT, LEDGER
from ledger.cli.output import Answer
from ledger.cli.reads import list_command, show_command
from ledger.cli.run import Run

app = noun("Versions 版本: anchor, verify, shred, prove, list, show.")


def _what_is_shredded(run: Run, fields: dict[str, Any], document: dict[str, Any], version: str | None) -> None:
    """ShredVersion names its version by dataset and number; the segments whose keys go are in the document."""
    segments = bool(document.get("segments"))
    if fields["whole"] and segments:
        raise InvalidOption("give --whole or --segments, not both")
    fields["whole"] = not segments
    if signs_here(run):
        told = run.client.get(f"/versions/{segment(version or '')}")
        fields |= {"dataset": told["dataset"], "number": told["number"]}


@command(app, "anchor", *ACT, *CLIENT)
def anchor(
    run: Run,
    file: Annotated[Path, typer.Argument(help="The table or file.", show_default=False)],
    dataset: Annotated[str, typer.Option(help="Code of the dataset.")],
    source: Annotated[str, typer.Option(help="Where it comes from: the system or body it was taken from 来源.")],
    method: Annotated[str, typer.Option(help="How it was taken: export, query, copy 获取方式.")] = "export",
    captured: Annotated[str | None, typer.Option(help="When it was taken; the file's own time unless given.")] = None,
    captured_by: Annotated[str | None, typer.Option(help="Who took it, by office.")] = None,
    format: Annotated[
        str | None,
        typer.Option(help="share-record/1 (tables: csv, jsonl), share-record-sd/1, or share-file/1 (anything else)."),
    ] = None,
    schema: Annotated[Path | None, typer.Option(help="Columns and types, a JSON file; else all text.")] = None,
    open_data: Annotated[bool, typer.Option("--open", help="Open data: no salts.")] = False,
    twin: Annotated[bool, typer.Option("--twin", help="Also the root under SM3.")] = False,
    encoding: Annotated[str, typer.Option(help="utf-8 or gb18030.")] = "utf-8",
    delimiter: Annotated[str, typer.Option(help="Between cells.")] = ",",
    no_header: Annotated[bool, typer.Option("--no-header", help="The first row is a record.")] = False,
    null: Annotated[list[str] | None, typer.Option(help="A text that means null; may be repeated.")] = None,
    zone_offset: Annotated[str | None, typer.Option(help="Of timestamps without one: +08:00.")] = None,
    media_type: Annotated[str | None, typer.Option(help="Media type; by the file's name unless given.")] = None,
    no_payload: Annotated[
        bool, typer.Option("--no-payload", help="Fingerprint the file where it lies; only the fingerprint is sent.")
    ] = False,
    key_file: Annotated[
        Path | None,
        typer.Option(help="With --no-payload: where the segment keys are kept, mode 0600; made if it is not there."),
    ] = None,
) -> Answer:
    """Anchor a version: fingerprint a file and put the fingerprint on the ledger. Signed by the provider's officer."""
    from ledger.cli.anchoring import Provenance, anchor_version, prepare_options

    options = prepare_options(
        file,
        format=format,
        schema=schema,
        salted=not open_data,
        twin=twin,
        read={
            "encoding": encoding,
            "delimiter": delimiter,
            "header": not no_header,
            "null": null or [],
            "zone_offset": zone_offset,
        },
        media_type=media_type,
    )
    if no_payload and options.salted and key_file is None:
        raise InvalidOption("--no-payload needs --key-file: the segment keys stay with you, and proofs need them")
    provenance = Provenance(source=source, method=method, captured=captured, captured_by=captured_by)
    return anchor_version(run, file, dataset, options, provenance, kept=not no_payload, key_file=key_file)


@command(app, "verify", LEDGER, *CLIENT)
def verify(
    run: Run,
    file: Annotated[Path, typer.Argument(help="The copy to check.", show_default=False)],
    version: Annotated[str, typer.Option(help="Id of the version.")],
    share: Annotated[str | None, typer.Option(help="Id of the share it was got under.")] = None,
    key_file: Annotated[Path | None, typer.Option(help="Segment keys kept by yourself.")] = None,
) -> Answer:
    """Check a copy against the ledger, here: every check is reported. Exit code 1 if one fails, naming the records."""
    from ledger.cli.verification import verify_copy

    return verify_copy(run, file, version, share=share, key_file=key_file)


@command(app, "prove", LEDGER, *CLIENT)
def prove(
    run: Run,
    version: Annotated[str, typer.Argument(help="Id of the version.", metavar="VERSION", show_default=False)],
    record: Annotated[int, typer.Option(min=0, help="Number of the record, counted from 0.")],
    column: Annotated[
        list[str] | None, typer.Option(help="share-record-sd/1: a column to show; may be repeated.")
    ] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Also write the proof to this file.")] = None,
) -> Answer:
    """Get the proof of one record and check it here."""
    from ledger.cli.verification import prove_record

    return prove_record(run, version, record, columns=column or None, output=output)


act_command(
    app,
    "shred",
    ActCommand(
        act="ShredVersion",
        route="/versions/{version}/shredding",
        help="Delete a version's keys for good: all of them, or the named segments'. Signed by the provider's officer.",
        target="version",
        target_help="Id of the version.",
        stands_for=frozenset({"dataset", "number"}),
        fill=_what_is_shredded,
    ),
)
list_command(
    app,
    "",
    ("id", "number", "format", "records", "size", "shredded", "anchored_time"),
    "List a dataset's versions.",
    below=("dataset", "/datasets/{dataset}/versions"),
)
show_command(app, "/versions/{version}", "version", "Show a version.")
