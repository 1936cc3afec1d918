"""`shareledger version`: fingerprints on the ledger, and checking copies against them."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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

if TYPE_CHECKING:
    from ledger.cli.reanchoring import Before
    from ledger.services.fingerprinting import PrepareOptions

app = noun("Versions 版本: anchor, verify, diff, prove, growth, material, shred, list, show.")


def _what_is_shredded(run: Run, fields: dict[str, Any], document: dict[str, Any], version: str | None) -> None:
    """ShredVersion names its version by dataset and number; the segments whose keys go are in the document."""
    segments = bool(document.get("segments"))
    if fields["whole"] and segments:
        raise InvalidOption("give --whole or --segments, not both")
    if not fields["whole"] and not segments:  # left out by mistake, it would be all of it
        raise InvalidOption("give --whole to delete all keys, or --segments for those of some records")
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
        typer.Option(
            help="share-record/1 (tables: csv, jsonl, parquet, arrow), share-record-sd/1, or share-file/1 (all else)."
        ),
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
    fresh_keys: Annotated[
        bool,
        typer.Option(
            "--fresh-keys",
            help="Take over no segment key of the version before: for when a consumer that was given it may see only a "
            "part of this one. That the table only grew can then not be proven.",
        ),
    ] = False,
    after: Annotated[
        str | None,
        typer.Option(help="With --no-payload: id of the version before. Chunks that did not change keep their keys."),
    ] = None,
    after_key_file: Annotated[Path | None, typer.Option(help="With --after: that version's segment keys.")] = None,
    changed_chunk: Annotated[
        list[int] | None,
        typer.Option(
            min=0,
            help="With --after: a chunk of 65,536 records, from 0, in which one changed; may be repeated. Only these "
            "and the table's end are read; without any, the whole table is.",
        ),
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
    if no_payload and fresh_keys:
        raise InvalidOption("--fresh-keys is for an upload; with --no-payload they are fresh unless --after is given")
    options = replace(options, fresh_keys=fresh_keys)
    provenance = Provenance(source=source, method=method, captured=captured, captured_by=captured_by)
    before = _before(options, no_payload, after, after_key_file, changed_chunk)
    return anchor_version(
        run, file, dataset, options, provenance, kept=not no_payload, key_file=key_file, before=before
    )


def _before(
    options: "PrepareOptions", no_payload: bool, after: str | None, key_file: Path | None, changed: list[int] | None
) -> "Before | None":
    """The version before, if its fingerprint is to be gone on from. Raises InvalidOption."""
    from ledger.cli.reanchoring import Before

    if after is None:
        if key_file is not None or changed:
            raise InvalidOption("--after-key-file and --changed-chunk are for --after")
        return None
    if not no_payload or options.schema is None or options.twin:
        raise InvalidOption("--after is for a table fingerprinted where it lies (--no-payload), without --twin")
    if options.salted != (key_file is not None):
        raise InvalidOption("--after needs --after-key-file if the table is salted, and only then")
    return Before(after, key_file, tuple(changed) if changed else None)


@command(app, "verify", LEDGER, *CLIENT)
def verify(
    run: Run,
    file: Annotated[
        Path,
        typer.Argument(
            help="The copy to check: a file or a folder of parts; with --proof a proof, or pages of records.",
            show_default=False,
        ),
    ],
    version: Annotated[str, typer.Option(help="Id of the version.")],
    proof: Annotated[
        bool,
        typer.Option(
            "--proof", help="The file is a proof: of records, of growth, or pages of records (one a line, or a folder)."
        ),
    ] = False,
    since: Annotated[str | None, typer.Option(help="A proof of growth: id of the earlier version.")] = None,
    share: Annotated[str | None, typer.Option(help="Id of the share it was got under.")] = None,
    key_file: Annotated[Path | None, typer.Option(help="Segment keys kept by yourself.")] = None,
    material: Annotated[
        Path | None, typer.Option(help="Without a server: what `version material` saved. Needs --ledger.")
    ] = None,
    since_material: Annotated[Path | None, typer.Option(help="The same, of the earlier version.")] = None,
) -> Answer:
    """Check a copy or a proof against the ledger, here: every check is reported. Exit code 1 if one fails, naming the
    records."""
    if not proof:
        from ledger.cli.verification import verify_copy

        if since is not None or since_material is not None:
            raise InvalidOption("--since is for a proof that a version only grew: give --proof")
        return verify_copy(run, file, version, share=share, key_file=key_file, saved=material)
    from ledger.cli.proving import verify_proof

    return verify_proof(run, file, version, saved=material, since=since, since_saved=since_material)


@command(app, "prove", LEDGER, *CLIENT)
def prove(
    run: Run,
    version: Annotated[str, typer.Argument(help="Id of the version.", metavar="VERSION", show_default=False)],
    record: Annotated[
        list[int],
        typer.Option(min=0, help="Number of the record, counted from 0; may be repeated, for one proof of all."),
    ],
    column: Annotated[
        list[str] | None, typer.Option(help="share-record-sd/1: a column to show; may be repeated.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option(help="Make the proof here, from this copy: for a payload the server does not keep.")
    ] = None,
    key_file: Annotated[Path | None, typer.Option(help="With --file: segment keys kept by yourself.")] = None,
    material: Annotated[
        Path | None, typer.Option(help="With --file, without a server: what `version material` saved. Needs --ledger.")
    ] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Also write the proof to this file.")] = None,
) -> Answer:
    """Get the proof of one record, or one of many, and check it here; or make it from a copy."""
    from ledger.cli.proving import prove_here, prove_record

    columns = column or None
    if file is not None:
        return prove_here(run, version, record, file, columns=columns, key_file=key_file, saved=material, output=output)
    if key_file is not None or material is not None:
        raise InvalidOption("--key-file and --material are for a proof that is made here: give --file")
    return prove_record(run, version, record, columns=columns, output=output)


@command(app, "growth", LEDGER, *CLIENT)
def growth(
    run: Run,
    earlier: Annotated[str, typer.Argument(help="Id of the earlier version.", metavar="EARLIER", show_default=False)],
    later: Annotated[str, typer.Argument(help="Id of the later version.", metavar="LATER", show_default=False)],
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Also write the proof to this file.")] = None,
) -> Answer:
    """Prove that a version only has more records than an earlier one 只增不改: none before them changed."""
    from ledger.cli.proving import prove_growth

    return prove_growth(run, earlier, later, output=output)


@command(app, "material", LEDGER, *CLIENT)
def material(
    run: Run,
    version: Annotated[str, typer.Argument(help="Id of the version.", metavar="VERSION", show_default=False)],
    output: Annotated[Path, typer.Option("-o", "--output", help="The file to write, mode 0600.")],
    share: Annotated[str | None, typer.Option(help="Id of the share it was got under.")] = None,
    keys: Annotated[bool, typer.Option("--keys", help="With the segment keys, which copies need; secret.")] = False,
) -> Answer:
    """Save what checks a version's copies and proofs later, without a server."""
    from ledger.cli.material import save_material

    return save_material(run, version, output, share=share, keys=keys)


@command(app, "diff", LEDGER, *CLIENT)
def diff(
    run: Run,
    old: Annotated[str, typer.Argument(help="A table, a folder of parts, or a version's id.", show_default=False)],
    new: Annotated[str, typer.Argument(help="The same, to compare it with.", show_default=False)],
    schema: Annotated[Path | None, typer.Option(help="Columns and types, a JSON file; else as the tables say.")] = None,
    encoding: Annotated[str, typer.Option(help="Of files: utf-8 or gb18030.")] = "utf-8",
    delimiter: Annotated[str, typer.Option(help="Of files: between cells.")] = ",",
    no_header: Annotated[bool, typer.Option("--no-header", help="Of files: the first row is a record.")] = False,
    null: Annotated[list[str] | None, typer.Option(help="Of files: a text that means null; may be repeated.")] = None,
    zone_offset: Annotated[str | None, typer.Option(help="Of timestamps in files without one: +08:00.")] = None,
    limit: Annotated[int, typer.Option(min=0, help="How many records of each kind are named at most.")] = 100_000,
    folder: Annotated[Path | None, typer.Option(help="Where temporary files go; else the system's own place.")] = None,
) -> Answer:
    """Name the records added, removed and changed between two tables. Exit code 1 if there are any."""
    from ledger.cli.comparing import compare

    read = {
        "encoding": encoding,
        "delimiter": delimiter,
        "header": not no_header,
        "null": null or [],
        "zone_offset": zone_offset,
    }
    return compare(run, old, new, schema=schema, read=read, limit=limit, folder=folder)


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
