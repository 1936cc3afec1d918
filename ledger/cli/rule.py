"""`shareledger rule`: calendars, deadline profiles, quality rule sets."""

from ledger.cli.acts import ActCommand, act_command
from ledger.cli.command import noun
from ledger.cli.fields import RULE_KIND
from ledger.cli.reads import list_command

app = noun("Rules 规则: publish, list.")

act_command(
    app,
    "publish",
    ActCommand(
        act="PublishRule",
        route="/rules",
        help="Publish a rule, or a new text of one; the rule is the document. Signed by an authority's director.",
        target="rule",
        target_help="Code of the rule.",
        special={"kind": RULE_KIND},
    ),
)
list_command(
    app,
    "/rules",
    ("rule", "department", "kind", "start", "document"),
    "List rules.",
    filters=(("department", "Of this department."),),
)
