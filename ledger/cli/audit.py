"""`shareledger audit`: re-deriving everything."""

from typing import Any

from ledger.cli.command import command, noun
from ledger.cli.home import finish, open_home, steps
from ledger.cli.output import Answer
from ledger.cli.run import Run
from ledger.cli.texts import say

app = noun("Audits 审计: replay.")


@command(app, "replay")
def replay(run: Run) -> Answer:
    """Replay the ledger from block 0 and compare chain, database and payloads. Exit code 1 if there are findings."""

    async def work() -> tuple[dict[str, Any], bool]:
        from ledger.runtime import open_runtime
        from ledger.services import replaying

        settings = open_home()
        async with open_runtime(settings) as runtime:
            ports = runtime.ports
            with steps(run, "replaying") as step:
                report = await replaying.replay(
                    ports.node,
                    ports.manifest,
                    ports.signatures.recovers,
                    store=ports.store,
                    payloads=ports.payloads,
                    confirmations=settings.confirmations,
                    progress=step,
                )
        return report.to_json(), report.clean and report.head_matches

    told, clean = finish(work())
    note = say(run.out.lang, "clean" if clean else "findings", number=len(told["findings"]) + told["omitted"])
    hide = frozenset({"lateness", "not_checked"})
    return Answer(told, columns=("number", "code", "ok", "detail"), rows="checks", passed=clean, note=note, hide=hide)
