"""`shareledger attest`: quality attestations."""

from ledger.cli.acts import ActCommand, act_command
from ledger.cli.command import noun
from ledger.cli.lookups import report_of_version
from ledger.cli.reads import list_command

app = noun("Attestations 质量评估: make, withdraw, list.")

act_command(
    app,
    "make",
    ActCommand(
        act="AttestQuality",
        route="/versions/{version}/attestations",
        help="Attest a version's quality; the report is the document. Signed by the attestor's officer.",
        target="version",
        target_help="Id of the version.",
        stands_for=frozenset({"prior"}),
        optional=frozenset({"rules", "score"}),
        fill=report_of_version,
    ),
)
act_command(
    app,
    "withdraw",
    ActCommand(
        act="WithdrawAttestation",
        route="/attestations/{attestation}/withdrawal",
        help="Withdraw an attestation. Signed by the attestor's officer.",
        target="attestation",
        target_help="Id of the attestation.",
    ),
)
list_command(
    app,
    "/attestations",
    ("id", "dataset", "version", "attestor", "score", "self_attested", "withdrawn", "attested_time"),
    "List attestations.",
    filters=(("version", "Of this version."), ("dataset", "Of this dataset."), ("attestor", "Of this attestor.")),
)
