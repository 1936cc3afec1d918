"""`shareledger backup`: backups of this home, checked when they are written and before they are used."""

from pathlib import Path
from typing import Annotated, Any

import typer

from ledger.cli.command import command, noun
from ledger.cli.home import finish, open_home, steps
from ledger.cli.output import Answer
from ledger.cli.run import Run
from ledger.cli.texts import say

app = noun("Backups 备份: create, verify, restore.")

_CHECKS = ("number", "code", "ok", "detail")
_File = Annotated[Path, typer.Argument(help="The backup.", metavar="FILE", show_default=False)]
_Digest = Annotated[
    str | None, typer.Option(help="SHA-256 that the whole file must have, as `backup create` printed it.")
]


@command(app, "create")
def create(
    run: Run,
    target: Annotated[Path, typer.Argument(help="A new file, or a folder to put one in.", show_default=False)],
) -> Answer:
    """Write a backup of this home while the server runs, read it back and check it. No passphrase is needed.

    Keys and payloads in it are encrypted as they are here; documents and acts can be read. Keep the passphrase apart.
    """
    from ledger.backing_up import back_up

    settings = open_home()
    with steps(run, "backing-up") as step:
        made = finish(back_up(settings, target, on_progress=step))
    value: dict[str, Any] = {
        "file": str(made.file.path),
        "size": made.file.size,
        **made.report.to_json(),
        "missing_payloads": list(made.missing),
        "keys_elsewhere": list(made.keys_elsewhere),
    }
    note = say(run.out.lang, "backup-made", digest=made.file.digest)
    return Answer(value, columns=_CHECKS, rows="checks", note=note)


@command(app, "verify")
def verify(run: Run, file: _File, digest: _Digest = None) -> Answer:
    """Read a backup from end to end and check it. Exit code 1 if it is damaged."""
    from ledger.backup_checks import check_backup

    with steps(run, "checking-backup") as step:
        report = check_backup(file, digest=digest, on_progress=step)
    note = say(run.out.lang, "passed" if report.ok else "failed")
    return Answer(report.to_json(), columns=_CHECKS, rows="checks", passed=report.ok, note=note)


@command(app, "restore")
def restore(run: Run, file: _File, digest: _Digest = None) -> Answer:
    """Restore a backup into this home, which must be empty, as must its database; replay it against the chain.

    Never run the restored home beside the one it came from: both would carry with the same key. API keys revoked since
    the backup are in force again, and versions shredded in part since are named to be shredded again.
    """
    from ledger.restoring import restore as restored

    settings = open_home()
    with steps(run, "restoring") as step:
        done = finish(restored(file, settings, digest=digest, on_progress=step))
    return Answer(done.to_json(), note=say(run.out.lang, "restored"))
