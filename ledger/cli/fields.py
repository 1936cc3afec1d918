"""How each field of an act is given on the command line: flag, help, and the reading of its text."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from ledger.cli.values import named, read_roles, read_time
from ledger.domain.acts import (
    Cause,
    Custody,
    Duty,
    Grade,
    KeyKind,
    Kind,
    Level,
    Method,
    Outcome,
    RetireReason,
    RuleKind,
    ShareType,
)


@dataclass(frozen=True, slots=True)
class FieldOption:
    """One field as an option. `read(text, now)` gives its JSON value."""

    help: str
    read: Callable[[str, int], Any] = lambda text, now: text
    type: Any = str
    default: Any = None


def _choice(help: str, choices: Any, default: str | None = None) -> FieldOption:
    read = named(choices)
    names = ", ".join(member.name.lower().replace("_", "-") for member in choices)
    return FieldOption(f"{help}: {names}.", lambda text, now: read(text), default=default)


FIELDS: Final[dict[str, FieldOption]] = {
    "department": FieldOption("Code of the department."),
    "parent": FieldOption("Code of the department above."),
    "level": _choice("Level", Level),
    "roles": FieldOption(
        "Roles, by comma: authority, provider, consumer, attestor, auditor.", lambda text, now: read_roles(text)
    ),
    "key": FieldOption("Address of the key."),
    "share": FieldOption("Id of the share."),
    "duty": _choice("Duty", Duty),
    "custody": _choice("Who keeps the key; own with --new-keystore or --new-pkcs11-key, else host", Custody),
    "since": FieldOption("As of when (date, +span or seconds).", lambda text, now: read_time(text, now), default="+0s"),
    "reason": _choice("Why", RetireReason, "rotated"),
    "dataset": FieldOption("Code of the dataset."),
    "share_type": _choice("Share type 共享属性", ShareType),
    "grade": _choice("Grade 分类分级", Grade),
    "number": FieldOption("Number of the version.", lambda text, now: int(text), type=int),
    "consumer": FieldOption("Code of the consuming department."),
    "revision": FieldOption("Revision of the dataset; the published one unless given."),
    "until": FieldOption("Until when: +90d, 2026-12-31 or seconds.", lambda text, now: read_time(text, now, end=True)),
    "start": FieldOption("From when (date, +span or seconds).", lambda text, now: read_time(text, now), default="0"),
    "working_days": FieldOption("Working days more, at most 10.", lambda text, now: int(text), type=int),
    "version": FieldOption("Id of the version."),
    "method": _choice("How it is delivered", Method, "store"),
    "cause": _choice("Cause", Cause),
    "rules": FieldOption("Digest of the rule set the report was made by."),
    "score": FieldOption("Score in parts per million.", lambda text, now: int(text), type=int),
    "outcome": _choice("Answer", Outcome),
    "rule": FieldOption("Code of the rule."),
    "log": FieldOption("Code of the log."),
    "size": FieldOption("Number of leaves.", lambda text, now: str(int(text)), type=int),
    "root": FieldOption("Root of the log."),
    "state": FieldOption("Root over what is in force."),
}
KEY_KIND: Final = _choice("Kind of key", KeyKind, "account")
RULE_KIND: Final = _choice("Kind of rule", RuleKind)
FLAG_HELP: Final = {"whole": "All of it.", "self_attested": "The attestor is the provider itself."}


def field_option(name: str, kind: Kind, special: dict[str, FieldOption]) -> FieldOption:
    """The option of one field of an act; `special` goes before the table."""
    if name in special:
        return special[name]
    if kind is Kind.FLAG:
        return FieldOption(FLAG_HELP[name], lambda value, now: bool(value), type=bool, default=False)
    return FIELDS[name]
