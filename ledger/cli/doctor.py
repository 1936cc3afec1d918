"""`shareledger doctor`: is this home well, and if not, what to do."""

from typing import TYPE_CHECKING, Any

from ledger.cli.command import command, noun
from ledger.cli.doctor_texts import TITLES, VERDICTS, means, remedy
from ledger.cli.home import finish
from ledger.cli.options import PASSPHRASE, PIN
from ledger.cli.output import Answer
from ledger.cli.run import Run
from ledger.cli.texts import Lang, choose, say

if TYPE_CHECKING:
    from keys.passphrases import PassphraseSource
    from ledger.services.diagnosing import Diagnosis

app = noun("Examine this home and say what to do 自检.")


@command(app, "doctor", *PASSPHRASE, *PIN)
def doctor(run: Run) -> Answer:
    """Examine chain, contracts, database, clock, disk, keys and lag; change nothing. Exit code 1 if a check failed."""
    from ledger.examining import Examination
    from ledger.services.diagnosing import Verdict
    from ledger.settings import Settings

    passphrase = _given(run, "passphrase")
    pin = _given(run, "pin")
    found = finish(Examination(Settings.load, passphrase, pin).run())
    failures = sum(one.verdict is Verdict.FAILED for one in found)
    warnings = sum(one.verdict is Verdict.WARNING for one in found)
    told = {"ok": not failures, "failed": failures, "warnings": warnings, "checks": [_told(one) for one in found]}
    note = say(run.out.lang, "examined", failed=failures, warnings=warnings)
    if run.out.as_json:
        return Answer(told, passed=not failures, note=note)
    rows = [_row(one, run.out.lang) for one in found]
    columns = ("number", "check", "verdict", "found", "remedy")
    return Answer({"items": rows}, columns=columns, passed=not failures, note=note)


def _given(run: Run, what: str) -> "PassphraseSource | None":
    """Only from a file or a descriptor: a doctor asks nobody."""
    if run.options.get(f"{what}_file") is None and run.options.get(f"{what}_fd") is None:
        return None
    return run.passphrase() if what == "passphrase" else run.pin()


def _told(one: "Diagnosis") -> dict[str, Any]:
    facts = dict(one.facts)
    return {
        "number": one.number,
        "check": one.check,
        "subject": one.subject or None,
        "verdict": str(one.verdict),
        "case": one.case,
        "detail": means("en", one.check, one.case, facts),
        "detail_zh": means("zh", one.check, one.case, facts),
        "remedy": remedy("en", one.check, one.case, facts) or None,
        "remedy_zh": remedy("zh", one.check, one.case, facts) or None,
        "facts": facts,
    }


def _row(one: "Diagnosis", lang: Lang) -> dict[str, Any]:
    facts = dict(one.facts)
    title = choose(lang, TITLES[one.check]) + (f" {one.subject}" if one.subject else "")
    return {
        "number": one.number,
        "check": title,
        "verdict": choose(lang, VERDICTS[str(one.verdict)]),
        "found": means(lang, one.check, one.case, facts),
        "remedy": remedy(lang, one.check, one.case, facts),
    }
