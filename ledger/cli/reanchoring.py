"""The fingerprint of a table where it lies, gone on from that of the version before."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from ledger.cli.failures import InvalidOption, Mismatch
from ledger.cli.key_files import keep_keys, read_key_file
from ledger.cli.material import anchoring_of, manifest_of
from ledger.cli.run import Run
from ledger.fingerprint import Fingerprint, Manifest, open_source, refingerprint
from ledger.services.fingerprinting import PrepareOptions
from ledger.services.material import fingerprint_of

SPOT_CHECKS: Final = 16  # tiles of chunks that are said not to have changed


@dataclass(frozen=True, slots=True)
class Before:
    """The version before, its segment keys (None: it is open), and the chunks that changed since (None: not told)."""

    version: str
    key_file: Path | None
    changed: tuple[int, ...] | None


def fingerprint_again(
    run: Run, file: Path, options: PrepareOptions, key_file: Path | None, before: Before
) -> tuple[Fingerprint, Manifest]:
    """From the fingerprint of the version before. The keys are durable before anything is sent.

    Raises Mismatch if the server's manifest is not that version's; InvalidOption for keys of another table, or another
    kind of table; InvalidInput if the table cannot be the old one changed in those chunks.
    """
    _, entry, _ = anchoring_of(run, before.version, None)
    old, manifest = fingerprint_of(entry), manifest_of(run, before.version)
    if options.schema is None or (old.format, old.schema) != (options.format, options.schema.digest()):
        raise InvalidOption(f"version {before.version} is of another format, or has other columns")
    if manifest is None or not manifest.matches(old):
        raise Mismatch(f"the server has no manifest that leads to the root of version {before.version}")
    keys = None
    if before.key_file is not None:
        keys, belongs_to = read_key_file(before.key_file)
        if belongs_to != old.root.hex():
            raise InvalidOption(f"the keys in {before.key_file} are not those of version {before.version}")
    run.out.say("fingerprinting")
    source = open_source(file, options.read, name=options.name)
    made = refingerprint(
        manifest, source, options.schema, keys, before.changed, format=options.format, spot_checks=SPOT_CHECKS
    )
    if made.keys is not None and key_file is not None:
        keep_keys(key_file, made.keys, made.fingerprint.root.hex())
        run.out.say("key-file-made", path=key_file)
    return replace(made.fingerprint, size=file.stat().st_size), made.manifest
