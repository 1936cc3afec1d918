"""What a command looks up so that nobody need type it. Looked-up values are shown before anything is signed."""

from typing import Any

from ledger.cli.at_hand import key_at_hand
from ledger.cli.client import segment
from ledger.cli.failures import InvalidOption
from ledger.cli.run import Run
from ledger.domain.identifiers import ZERO_DIGEST

Given = dict[str, Any]


def own_department(run: Run, fields: Given, field: str) -> None:
    """Fill `field` with the department of the key at hand. Raises InvalidOption if there is no key at hand."""
    if field in fields:
        return
    key = key_at_hand(run)
    if key is None:
        raise InvalidOption(f"give --{field}, your department's code")
    fields[field] = run.client.get(f"/keys/{key.address}")["department"]


def published_revision(run: Run, fields: Given) -> None:
    """Fill `revision` with the dataset's published one. Raises InvalidOption if there is none."""
    if "revision" in fields:
        return
    revision = run.client.get(f"/datasets/{segment(fields['dataset'])}").get("published")
    if not revision:
        raise InvalidOption(f"{fields['dataset']} is not published", remedy="Wait until its authority publishes it.")
    fields["revision"] = revision


def as_requested(run: Run, fields: Given, document: Given, share: str | None) -> None:
    """Fill scope, conditions and term of an agreement with those of the request: agreeing may only narrow them."""
    from ledger.cli.document import read_members
    from ledger.cli.wheres import narrow_scope, only_narrower

    asked = run.client.get(f"/authorisations/{segment(share or '')}")
    fields.setdefault("until", asked["requested_until"])
    given = document.get("scope")
    for part in ("scope", "conditions"):
        digest = asked.get(part) or ZERO_DIGEST
        if part not in document and digest != ZERO_DIGEST:
            document[part] = read_members(run, digest)[part]
            fields[part] = digest
    narrow_scope(run, fields, document)
    if given is not None and (asked.get("scope") or ZERO_DIGEST) != ZERO_DIGEST:
        only_narrower(read_members(run, asked["scope"])["scope"], document["scope"])


def newest_version(run: Run, fields: Given, document: Given, share: str | None) -> None:
    """Fill `version` of a delivery with the newest of the share's dataset. Raises InvalidOption if there is none."""
    if "version" in fields:
        return
    dataset = run.client.get(f"/authorisations/{segment(share or '')}")["dataset"]
    versions = [item for page in run.client.pages(f"/datasets/{segment(dataset)}/versions") for item in page["items"]]
    standing = [version for version in versions if not version.get("shredded")]
    if not standing:
        raise InvalidOption(f"{dataset} has no version to deliver", remedy="Anchor one first.")
    fields["version"] = max(standing, key=lambda version: int(version["number"]))["id"]


def delivered_version(run: Run, fields: Given, document: Given, share: str | None) -> None:
    """A confirmation's document names the version that was delivered, and whether it was verified."""
    if document:
        delivered = run.client.get(f"/authorisations/{segment(share or '')}").get("version")
        document.setdefault("version", delivered)
        document.setdefault("verified", bool(document.get("checks")))


def version_in_doubt(run: Run, fields: Given, document: Given, version: str | None) -> None:
    """A correction continues the version it is about, and its document names it."""
    fields["prior"] = version
    if document:
        document.setdefault("version", version)


def report_of_version(run: Run, fields: Given, document: Given, version: str | None) -> None:
    """An attestation continues its version. Without a report the server measures by the rule set.

    Rule set and score are the report's. Raises InvalidOption without either.
    """
    fields["prior"] = version
    if not document:
        if "rules" not in fields:
            raise InvalidOption("give --rules, and the server measures; or --document with a report")
        at = f"/versions/{segment(version or '')}/measurements"
        document.update(run.client.post(at, None, rules=fields["rules"])["document"])
    for name in ("rules", "score"):
        if name not in fields:
            if name not in document:
                raise InvalidOption(f"give --{name}, or a report that has it")
            fields[name] = document[name]
    document.setdefault("version", version)


def newest_checkpoint(run: Run, fields: Given, document: Given, log: str | None) -> None:
    """Size, root and state of the entry log now, unless given."""
    if not {"size", "root"} <= fields.keys():
        fields.update(run.client.post("/checkpoints/drafts", {"log": log})["act_fields"])
