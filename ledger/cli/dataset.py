"""`shareledger dataset`: the catalogue."""

from typing import Any

from ledger.cli.acts import ActCommand, act_command
from ledger.cli.command import noun
from ledger.cli.lookups import own_department
from ledger.cli.reads import list_command, show_command
from ledger.cli.run import Run

app = noun("Datasets 数据目录: submit, withdraw, publish, return, list, show.")


def _own(run: Run, fields: dict[str, Any], document: dict[str, Any], target: str | None) -> None:
    own_department(run, fields, "department")


act_command(
    app,
    "submit",
    ActCommand(
        act="SubmitDataset",
        route="/datasets",
        help="Submit a catalogue item, or a new revision of one. Signed by the provider's director.",
        target="dataset",
        target_help="Code of the dataset.",
        optional=frozenset({"department"}),
        fill=_own,
    ),
)
for _verb, _act, _route, _help in (
    ("withdraw", "WithdrawDataset", "withdrawal", "Withdraw a catalogue item. Signed by the provider's director."),
    ("publish", "PublishDataset", "publication", "Publish what was submitted. Signed by an authority's lead."),
    ("return", "ReturnDataset", "return", "Return what was submitted, with reasons. Signed by an authority's lead."),
):
    act_command(
        app,
        _verb,
        ActCommand(
            act=_act,
            route=f"/datasets/{{dataset}}/{_route}",
            help=_help,
            target="dataset",
            target_help="Code of the dataset.",
        ),
    )
list_command(
    app,
    "/datasets",
    ("code", "provider", "published", "pending", "withdrawn"),
    "List the catalogue.",
    filters=(("provider", "Of this provider."),),
)
show_command(app, "/datasets/{dataset}", "dataset", "Show a catalogue item.", about="Its code.")
