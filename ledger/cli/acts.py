"""Commands that make acts, built from one line each: the act's own fields become options.

Without --keystore the server signs with the key it holds for the caller's department; with it the act is drafted by
the server, checked here word for word, signed here and sent (`ledger.cli.signing`).
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import typer

from ledger.cli.client import segment
from ledger.cli.command import command
from ledger.cli.fields import FieldOption, field_option
from ledger.cli.options import ACT, CLIENT, argument, option
from ledger.cli.output import Answer
from ledger.cli.run import Run
from ledger.cli.texts import say
from ledger.cli.values import read_json
from ledger.domain.acts import ACTS, Kind

NOT_TYPED: Final = frozenset({"signer", "prior", "valid_until", "document"})
"""Fields no option gives: the draft fills them, or the document does."""

Given = dict[str, Any]
Fill = Callable[[Run, Given, str | None], None]
"""Looks up what was left out, changing the fields in place; told the value of the command's argument."""


@dataclass(frozen=True, slots=True)
class Member:
    """An option that becomes a member of the act's document."""

    name: str
    help: str


@dataclass(frozen=True, slots=True)
class ActCommand:
    """One act as a command.

    `route` is where the host-signed form is posted; its placeholder is the command's argument, and `stands_for` the
    fields the route says, which the body then leaves out. `argument_field` is the field the argument fills.
    """

    act: str
    route: str
    help: str
    document_kind: str
    argument: str | None = None
    argument_help: str = ""
    argument_field: str | None = None
    stands_for: frozenset[str] = frozenset()
    members: Sequence[Member] = ()
    optional: frozenset[str] = frozenset()
    special: dict[str, FieldOption] = field(default_factory=dict)
    omit: frozenset[str] = frozenset()
    prior_option: str | None = None
    fill: Fill | None = None


REASON: Final = Member("reason_text", "Reasons, in words.")


def act_command(app: typer.Typer, verb: str, told: ActCommand) -> None:
    """Register it."""
    options = _field_options(told)
    parameters = [
        *([argument(told.argument, str, help=told.argument_help)] if told.argument else []),
        *(_parameter(name, each, required=name not in told.optional) for name, each in options.items()),
        *(option(member.name, str | None, None, help=member.help) for member in told.members),
        option("document", Path | None, None, help="The act's document, a JSON file; the options above go into it."),
    ]
    if told.prior_option:
        parameters.append(option("prior", str | None, None, f"--{told.prior_option}", help="Digest of what it renews."))

    def work(run: Run, **given: Any) -> Answer:
        target = given.pop(told.argument) if told.argument else None
        fields = {name: each.read(given[name], run.now) for name, each in options.items() if given[name] is not None}
        if told.argument_field:
            fields[told.argument_field] = target
        if given.get("prior"):
            fields["prior"] = given["prior"]
        if told.fill:
            told.fill(run, fields, target)
        members = {member.name: given[member.name] for member in told.members if given[member.name] is not None}
        document = assemble(told.document_kind, given["document"], members)
        return submit(run, told.act, told.route, fields, document, target=target, stands_for=told.stands_for)

    first = inspect.Parameter("run", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Run)
    work.__signature__ = inspect.Signature([first, *parameters])  # type: ignore[attr-defined]
    command(app, verb, *ACT, *CLIENT, help=told.help)(work)


def _field_options(told: ActCommand) -> dict[str, FieldOption]:
    left_out = NOT_TYPED | told.omit | ({told.argument_field} if told.argument_field else set())
    return {
        each.name: field_option(each.name, each.kind, told.special)
        for each in ACTS[told.act].fields
        if each.name not in left_out
    }


def _parameter(name: str, each: FieldOption, *, required: bool) -> inspect.Parameter:
    flags = (each.flag or "--" + name.replace("_", "-"),)
    if each.type is bool or each.default is not None:
        return option(name, each.type, each.default, *flags, help=each.help)
    if required:
        return option(name, each.type, inspect.Parameter.empty, *flags, help=each.help, show_default=False)
    return option(name, each.type | None, None, *flags, help=each.help)


def assemble(kind: str, file: Path | None, members: Mapping[str, Any]) -> dict[str, Any] | None:
    """The act's document from its file and its options; None if neither is given. An option goes before the file."""
    if file is None and not members:
        return None
    return {"kind": kind} | (read_json(file) if file else {}) | dict(members)


def submit(
    run: Run,
    act: str,
    route: str,
    fields: Given,
    document: dict[str, Any] | None,
    *,
    target: str | None = None,
    stands_for: frozenset[str] = frozenset(),
) -> Answer:
    """Have the act signed, here or by the host, sent, and waited for."""
    if run.options.get("keystore"):
        from ledger.cli.signing import sign_and_send

        return submission_answer(run, sign_and_send(run, act, fields, document))
    placeholder = route[route.find("{") : route.find("}") + 1] if "{" in route else ""
    body = {name: value for name, value in fields.items() if name not in stands_for and f"{{{name}}}" != placeholder}
    if document is not None:
        body["document"] = document
    if run.options.get("valid_for", 900) != 900:
        body["valid_until"] = run.now + run.options["valid_for"]
    path = route.replace(placeholder, segment(target or "")) if placeholder else route
    return submission_answer(run, run.client.post(path, body, wait=run.wait))


def submission_answer(run: Run, submission: dict[str, Any]) -> Answer:
    """A submission, with what it means: final, still on its way, or refused (exit code 1)."""
    state = submission.get("state")
    note = ""
    if state == "final":
        note = say(run.out.lang, "final", entry=submission.get("entry"))
    elif state not in ("failed", "returned"):
        note = say(run.out.lang, "not-final", digest=submission.get("digest"))
    hide = frozenset({"signatures", "history"})
    return Answer(submission, passed=state not in ("failed", "returned"), note=note, hide=hide)


def digest_fields(act: str) -> frozenset[str]:
    """The fields of an act that hold digests, `prior` apart."""
    return frozenset(each.name for each in ACTS[act].fields if each.kind is Kind.DIGEST and each.name != "prior")
