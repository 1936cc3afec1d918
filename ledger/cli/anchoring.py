"""From a file to a version on the ledger: uploaded and fingerprinted there, or fingerprinted where it lies."""

import json
import mimetypes
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ledger.cli.acts import submit
from ledger.cli.at_hand import signs_here
from ledger.cli.client import segment
from ledger.cli.document import read_members
from ledger.cli.failures import Mismatch
from ledger.cli.key_files import bind_key_file, make_key_file, read_key_file
from ledger.cli.output import Answer
from ledger.cli.progress import progress
from ledger.cli.reanchoring import Before, fingerprint_again
from ledger.cli.run import Run
from ledger.cli.table_files import FORMS, MEDIA, own_schema
from ledger.cli.texts import say
from ledger.cli.values import read_json, read_time
from ledger.fingerprint import FILE, RECORD, Fingerprint, Manifest, ReadOptions, Schema, open_source
from ledger.services.fingerprinting import PrepareOptions, fingerprint_source

PIECE: Final = 1 << 18


@dataclass(frozen=True, slots=True)
class Provenance:
    source: str
    method: str
    captured: str | None
    captured_by: str | None

    def members(self, file: Path, now: int) -> dict[str, Any]:
        """The document's part of that name. Raises InvalidOption."""
        captured = int(file.stat().st_mtime) if self.captured is None else read_time(self.captured, now)
        told = {"source": self.source, "method": self.method, "captured": captured, "captured_by": self.captured_by}
        return {name: value for name, value in told.items() if value is not None}


def prepare_options(
    file: Path,
    *,
    format: str | None,
    schema: Path | None,
    salted: bool,
    twin: bool,
    read: Mapping[str, Any],
    media_type: str | None,
) -> PrepareOptions:
    """How the file is to be read. Without a declared schema a table has the columns that it declares itself: CSV the
    text columns of its header, Parquet and Arrow theirs with their types.

    Raises InvalidInput, InvalidSchema, InvalidTable, InvalidOption, OSError.
    """
    suffix = file.suffix.lower()
    form = FORMS.get(suffix, "csv")
    format = format or (RECORD if suffix in FORMS else FILE)
    media = media_type or MEDIA.get(suffix) or mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    common: dict[str, Any] = {"format": format, "salted": salted, "twin": twin, "name": file.name, "media_type": media}
    if format == FILE:
        return PrepareOptions(**common)
    options = ReadOptions.from_json({**read, "form": form})
    columns = Schema.from_json(read_json(schema)) if schema else own_schema(open_source(file, options))
    return PrepareOptions(**common, schema=columns, read=options)


def anchor_version(
    run: Run,
    file: Path,
    dataset: str,
    options: PrepareOptions,
    provenance: Provenance,
    *,
    kept: bool,
    key_file: Path | None,
    before: Before | None = None,
) -> Answer:
    """Prepare the version, check what was prepared against the file, have AnchorVersion signed and sent."""
    captured = provenance.members(file, run.now)
    at = f"/datasets/{segment(dataset)}"
    if kept:
        found = None
        prepared = _upload(run, file, f"{at}/payloads", _query(options, captured), options.media_type)
    else:
        if before is None:
            found, manifest = _fingerprint(run, file, options, key_file)
        else:
            found, manifest = fingerprint_again(run, file, options, key_file, before)
        body = {"fingerprint": found.to_json(), "manifest": manifest.to_json()}
        body |= {"options": _json(options), "provenance": captured}
        prepared = run.client.post(f"{at}/fingerprints", body)
    fields = _check(prepared, dataset, options, file.stat().st_size, found)
    if signs_here(run):
        shown = read_members(run, fields["document"])
        run.out.text(say(run.out.lang, "document"), json.dumps(shown, ensure_ascii=False, indent=1))
        return submit(run, "AnchorVersion", f"{at}/versions", fields, None)
    return submit(run, "AnchorVersion", f"{at}/versions", {"prepared": prepared["document"]}, None)


def _upload(run: Run, file: Path, at: str, query: Mapping[str, Any], media: str) -> Any:
    size = file.stat().st_size
    with progress(say(run.out.lang, "uploading"), size) as step:

        def pieces() -> Iterator[bytes]:
            done = 0
            with file.open("rb") as stream:
                while piece := stream.read(PIECE):
                    yield piece
                    done += len(piece)
                    step(done)

        return run.client.upload(at, pieces, size, media, **query)


def _fingerprint(run: Run, file: Path, options: PrepareOptions, key_file: Path | None) -> tuple[Fingerprint, Manifest]:
    """Where the file lies. The keys are durable before the first salt is made, and bound to the root after the last."""
    from dataclasses import replace

    keys, belongs_to = None, None
    if options.salted and key_file is not None:
        if key_file.exists():
            keys, belongs_to = read_key_file(key_file)
        else:
            keys = make_key_file(key_file)
            run.out.say("key-file-made", path=key_file)
    size = file.stat().st_size
    total, unit = (size, "bytes") if options.format == FILE else (None, "records")
    with progress(say(run.out.lang, "fingerprinting"), total, unit=unit) as step:
        found, manifest = fingerprint_source(file, options, keys, step)
    if keys is not None and key_file is not None:
        bind_key_file(key_file, keys, found.root.hex(), belongs_to)
    return replace(found, size=size), manifest


def _check(
    prepared: Any, dataset: str, options: PrepareOptions, size: int, found: Fingerprint | None
) -> dict[str, Any]:
    """The act's fields, if they are those of this file as far as that can be told. Raises Mismatch."""
    try:
        fields = dict(prepared["act_fields"])
        expected = {
            "dataset": dataset,
            "format": options.format,
            "salted": options.salted,
            "size": str(size),
            "document": prepared["document"],
        }
        if options.schema is not None:
            expected["schema"] = options.schema.digest().hex()
        if found is not None:
            expected |= {"root": found.root.hex(), "records": str(found.records)}
        wrong = [name for name, value in expected.items() if fields[name] != value]
    except (KeyError, TypeError, ValueError) as error:
        raise Mismatch(f"what the server prepared cannot be read: {error!r}") from error
    if wrong:
        raise Mismatch(f"what the server prepared is not of this file: {', '.join(wrong)}")
    return fields


def _json(options: PrepareOptions) -> dict[str, Any]:
    told = {
        "format": options.format,
        "salted": options.salted,
        "twin": options.twin,
        "name": options.name,
        "media_type": options.media_type,
    }
    if options.schema is not None:
        told |= {"schema": options.schema.to_json(), "read": options.read.to_json()}
    return told


def _query(options: PrepareOptions, captured: dict[str, Any]) -> dict[str, Any]:
    """The same as parameters of an upload."""
    told = _json(options)
    told.pop("media_type")  # it is the body's Content-Type
    told |= told.pop("read", {})
    if "schema" in told:
        told["schema"] = _compact(told["schema"])
    if options.fresh_keys:
        told["fresh_keys"] = True
    return {**told, "provenance": _compact(captured)}


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
