"""`shareledger checkpoint`: roots of logs, whose size only grows."""

from ledger.cli.acts import ActCommand, act_command
from ledger.cli.command import noun
from ledger.cli.lookups import newest_checkpoint
from ledger.cli.reads import list_command

app = noun("Checkpoints 检查点: publish, list.")

act_command(
    app,
    "publish",
    ActCommand(
        act="PublishCheckpoint",
        route="/checkpoints",
        help="Publish a checkpoint, of the entry log as it stands unless --size and --root are given. By an officer.",
        target="log",
        target_help="Code of the log.",
        optional=frozenset({"size", "root", "state"}),
        fill=newest_checkpoint,
    ),
)
list_command(
    app,
    "/checkpoints",
    ("log", "department", "size", "root", "published_time"),
    "List the newest checkpoint of each log.",
    filters=(("department", "Of this department."),),
)
