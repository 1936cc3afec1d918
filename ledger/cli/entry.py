"""`shareledger entry`: what the ledger recorded."""

from ledger.cli.command import noun
from ledger.cli.reads import list_command, show_command

app = noun("Entries 账本条目: list, show.")

list_command(
    app,
    "/entries",
    ("index", "time", "kind", "department", "digest"),
    "List the entries you may see.",
    filters=(
        ("kind", "Of this kind: ShareAgreed, …"),
        ("department", "Signed by this department."),
        ("subject", "On this object: its code, address or digest."),
    ),
)
show_command(app, "/entries/{entry}", "entry", "Show an entry.", about="Its index, or the digest of its act.")
