"""`shareledger submission`: acts on their way."""

from typing import Annotated

import typer

from ledger.cli.client import segment
from ledger.cli.command import command, noun
from ledger.cli.failures import NotFinalYet
from ledger.cli.options import CLIENT, WAIT
from ledger.cli.output import Answer
from ledger.cli.reads import list_command, show_command
from ledger.cli.run import Run
from ledger.cli.waiting import submission_answer, until_final

app = noun("Submissions 提交: list, show, wait.")

list_command(
    app,
    "/submissions",
    ("digest", "act", "subject", "state", "entry"),
    "List your department's submissions.",
    filters=(("state", "In this state: queued, sent, included, returned, final, failed."),),
)
show_command(app, "/submissions/{digest}", "digest", "Show a submission and its history.", about="Digest of the act.")


@command(app, "wait", WAIT, *CLIENT)
def wait(
    run: Run, digest: Annotated[str, typer.Argument(help="Digest of the act.", metavar="DIGEST", show_default=False)]
) -> Answer:
    """Wait until an act is final (exit code 0) or refused (1); 2 if the time runs out before."""
    submission = until_final(run, run.client.get(f"/submissions/{segment(digest)}"))
    if submission.get("state") not in ("final", "failed", "returned"):
        raise NotFinalYet(f"{digest} is {submission.get('state')}")
    return submission_answer(run, submission)
