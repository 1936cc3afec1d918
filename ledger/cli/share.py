"""`shareledger share`: from request to end, and what a consumer does with it."""

from pathlib import Path
from typing import Annotated, Any

import typer

from ledger.cli.acts import ActCommand, act_command
from ledger.cli.client import segment
from ledger.cli.command import command, noun
from ledger.cli.lookups import (
    as_requested,
    delivered_version,
    newest_version,
    own_department,
    published_revision,
)
from ledger.cli.options import CLIENT, LEDGER, LIST
from ledger.cli.output import Answer
from ledger.cli.reads import list_command, listing, show_command
from ledger.cli.run import Run
from ledger.cli.wheres import WHERE, WRITTEN, narrow_scope

app = noun("Shares 共享: every act from request to end; list, show, history, records, download, evidence.")

_ID = "Id of the share."


def _consumer_and_revision(run: Run, fields: dict[str, Any], document: dict[str, Any], target: str | None) -> None:
    own_department(run, fields, "consumer")
    published_revision(run, fields)
    narrow_scope(run, fields, document)


def _revision(run: Run, fields: dict[str, Any], document: dict[str, Any], target: str | None) -> None:
    published_revision(run, fields)
    narrow_scope(run, fields, document)


act_command(
    app,
    "request",
    ActCommand(
        act="RequestShare",
        route="/authorisations",
        help="Request a share. Signed by the consumer's lead.",
        optional=frozenset({"consumer", "revision"}),
        prior_option="renews",
        extra=(WHERE,),
        fill=_consumer_and_revision,
    ),
)
act_command(
    app,
    "grant",
    ActCommand(
        act="GrantShare",
        route="/grants",
        help="Grant a share without the provider's consent. Signed by a director of an authority above the provider.",
        optional=frozenset({"revision"}),
        prior_option="renews",
        extra=(WHERE,),
        fill=_revision,
    ),
)
_ON_A_SHARE: tuple[tuple[str, str, str, str, dict[str, Any]], ...] = (
    ("withdraw", "WithdrawRequest", "withdrawal", "Withdraw a request. Signed by the consumer's lead.", {}),
    (
        "ask-supplement",
        "AskSupplement",
        "supplement-request",
        "Say what is missing, once and in one list. Signed by the provider's officer.",
        {},
    ),
    ("supply", "SupplyMaterials", "supplement", "Supply what was missing. Signed by the consumer's officer.", {}),
    ("extend", "ExtendReply", "extension", "Extend the time to reply, once. Signed by a lead of an authority.", {}),
    (
        "agree",
        "AgreeShare",
        "agreement",
        "Agree; scope, conditions and term are the request's unless given. Signed by the provider's lead.",
        {"optional": frozenset({"until"}), "extra": (WHERE,), "fill": as_requested},
    ),
    ("refuse", "RefuseShare", "refusal", "Refuse, with reasons and a basis. Signed by the provider's lead.", {}),
    (
        "deliver",
        "DeliverShare",
        "deliveries",
        "Deliver a version, the newest unless given. Signed by the provider's officer.",
        {"optional": frozenset({"version"}), "fill": newest_version},
    ),
    (
        "confirm",
        "ConfirmDelivery",
        "confirmation",
        "Confirm a delivery. Signed by the consumer's officer.",
        {"fill": delivered_version},
    ),
    ("suspend", "SuspendShare", "suspension", "Suspend. Signed by the provider's or an authority's lead.", {}),
    ("resume", "ResumeShare", "resumption", "Resume. Signed by a lead of who suspended it, or above.", {}),
    ("end", "EndShare", "end", "End, with a cause. Signed by a lead of consumer, provider or authority.", {}),
)
for _verb, _act, _route, _help, _more in _ON_A_SHARE:
    act_command(
        app,
        _verb,
        ActCommand(
            act=_act,
            route=f"/authorisations/{{share}}/{_route}",
            help=_help,
            target="share",
            target_help=_ID,
            **_more,
        ),
    )
list_command(
    app,
    "/authorisations",
    ("id", "dataset", "provider", "consumer", "stage", "suspended", "granted", "until"),
    "List the shares you may see.",
    filters=(
        ("dataset", "Of this dataset."),
        ("consumer", "Of this consumer."),
        ("provider", "Of this provider."),
        ("stage", "At this stage: requested, agreed, delivered, …"),
    ),
)
show_command(app, "/authorisations/{share}", "share", "Show a share.", about=_ID)


@command(app, "history", *LIST, *CLIENT)
def history(run: Run, share: Annotated[str, typer.Argument(help=_ID, metavar="SHARE", show_default=False)]) -> Answer:
    """Every entry of a share, in order."""
    columns = ("index", "time", "kind", "department", "digest")
    return listing(run, f"/authorisations/{segment(share)}/history", columns, {})


@command(app, "download", *CLIENT)
def download(
    run: Run,
    share: Annotated[str, typer.Argument(help=_ID, metavar="SHARE", show_default=False)],
    output: Annotated[Path, typer.Option("-o", "--output", help="File to write; it appears only when whole.")],
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> Answer:
    """Download what was delivered. One that broke off continues where it stopped. Verify it with `version verify`."""
    from ledger.cli.download import fetch_payload

    return fetch_payload(run, share, output, force=force)


@command(app, "records", LEDGER, *LIST, *CLIENT)
def records(
    run: Run,
    share: Annotated[str, typer.Argument(help=_ID, metavar="SHARE", show_default=False)],
    columns: Annotated[
        str | None, typer.Option(help="Columns, separated by commas; else all that the scope lets out.")
    ] = None,
    where: Annotated[list[str] | None, typer.Option(help=f"Only records that meet this: {WRITTEN}")] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", "--out", help="File for the pages with their proofs, one a line.")
    ] = None,
) -> Answer:
    """Read what the scope lets out, record by record, each proven before it is shown or kept. Exit code 1 if a proof
    fails. Check saved pages later with `version verify --proof`."""
    from ledger.cli.records import read_records

    return read_records(run, share, columns, where or [], output)


@command(app, "evidence", *CLIENT)
def evidence(
    run: Run,
    share: Annotated[str, typer.Argument(help=_ID, metavar="SHARE", show_default=False)],
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Also write it to this file.")] = None,
) -> Answer:
    """The evidence of a share: its entries, and what they rest on."""
    import json

    from ledger.cli.download import write_whole

    found = run.client.get(f"/authorisations/{segment(share)}/evidence")
    if output is None:
        return Answer(found)
    write_whole(output, json.dumps(found, ensure_ascii=False, indent=1).encode() + b"\n")
    return Answer(found, hide=frozenset({"entries", "documents"}))
