"""`shareledger correction`: data in doubt (Decree 809 art. 26)."""

from ledger.cli.acts import ActCommand, act_command
from ledger.cli.command import noun
from ledger.cli.lookups import version_in_doubt
from ledger.cli.reads import list_command

app = noun("Corrections 校核: request, resolve, list.")

act_command(
    app,
    "request",
    ActCommand(
        act="RequestCorrection",
        route="/versions/{version}/corrections",
        help="Ask the provider to check records in doubt. Signed by the consumer's officer.",
        target="version",
        target_help="Id of the version in doubt.",
        stands_for=frozenset({"prior"}),
        fill=version_in_doubt,
    ),
)
act_command(
    app,
    "resolve",
    ActCommand(
        act="ResolveCorrection",
        route="/corrections/{correction}/resolution",
        help="Answer a correction. Signed by the provider's lead.",
        target="correction",
        target_help="Id of the correction.",
        optional=frozenset({"version"}),
    ),
)
list_command(
    app,
    "/corrections",
    ("id", "dataset", "version", "consumer", "outcome", "requested_time", "resolved_time"),
    "List the corrections you may see.",
    filters=(("share", "Of this share."), ("dataset", "Of this dataset."), ("version", "Of this version.")),
)
