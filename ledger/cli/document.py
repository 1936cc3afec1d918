"""`shareledger document`: the documents whose digests acts carry."""

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from ledger.cli.client import segment
from ledger.cli.command import command, noun
from ledger.cli.options import CLIENT
from ledger.cli.output import Answer
from ledger.cli.run import Run
from ledger.domain.identifiers import parse_digest
from ledger.errors import Corrupt, InvalidDocument

app = noun("Documents 文档: show, get.")

Digest = Annotated[str, typer.Argument(help="Digest of the document.", metavar="DIGEST", show_default=False)]


def read_bytes(run: Run, digest: str) -> bytes:
    """A document's bytes, whose digest was recomputed. Raises Corrupt, Answered."""
    body = run.client.exactly(f"/documents/{segment(parse_digest(digest))}")
    if hashlib.sha256(body).hexdigest() != digest:
        raise Corrupt(f"the server's document does not have the digest {digest}")
    return body


def read_members(run: Run, digest: str) -> dict[str, Any]:
    """A document as an object. Raises Corrupt, InvalidDocument, Answered."""
    try:
        members = json.loads(read_bytes(run, digest))
    except (ValueError, RecursionError):
        members = None
    if not isinstance(members, dict):
        raise InvalidDocument(f"the document {digest} is not a JSON object")
    return members


@command(app, "show", *CLIENT)
def show(run: Run, digest: Digest) -> Answer:
    """Show a document; its digest is recomputed first."""
    return Answer(read_members(run, digest))


@command(app, "get", *CLIENT)
def get(
    run: Run,
    digest: Digest,
    output: Annotated[Path, typer.Option("-o", "--output", help="File to write.")],
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> Answer:
    """Save a document's exact bytes; its digest is recomputed first."""
    from ledger.cli.download import write_whole

    body = read_bytes(run, digest)
    write_whole(output, body, force=force)
    return Answer({"digest": digest, "file": str(output), "size": len(body)})
