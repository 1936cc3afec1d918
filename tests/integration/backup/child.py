"""A backup or a restore that kills itself: `child.py create|restore HOME ARCHIVE MOMENT`.

Moments: `payload` (a backup among its payloads), `filling` (a restore before its rows), `checked` (before the name).
"""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

import ledger.backing_up as backing_up
import ledger.restoring as restoring
from ledger.settings import Settings
from ledger.store.archive import ArchiveWriter


def die(*_: Any, **__: Any) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


def main(verb: str, home: Path, archive: Path, moment: str) -> None:
    on_progress = die if moment == "payload" else None
    if verb == "create":
        if moment == "checked":
            ArchiveWriter.publish = die  # type: ignore[method-assign]
        asyncio.run(backing_up.back_up(Settings.load(home=home), archive, on_progress=on_progress))
    else:
        if moment == "filling":
            restoring.load = die  # type: ignore[assignment]
        if moment == "checked":
            restoring._move = die
        asyncio.run(restoring.restore(archive, Settings.load(home=home), on_progress=on_progress))


main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4])
