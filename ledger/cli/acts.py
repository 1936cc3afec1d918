"""Commands that make acts, each from one line: fields of the act and members of its document become options.

Without --keystore or --pkcs11-key the server signs with the key it holds for the caller's department; with one the act
is drafted by the server, checked here word for word, signed here and sent (`ledger.cli.signing`).
"""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import typer

from ledger.cli.at_hand import signs_here
from ledger.cli.client import segment
from ledger.cli.command import command, taking
from ledger.cli.fields import FieldOption, field_option
from ledger.cli.members import main_field, member_options, parameter, read_member
from ledger.cli.options import ACT, CLIENT, REQUIRED, argument, option
from ledger.cli.output import Answer
from ledger.cli.run import Run
from ledger.cli.values import read_json
from ledger.cli.waiting import submission_answer, until_final
from ledger.domain.acts import ACTS
from ledger.domain.document_kinds import ACT_DOCUMENTS

Given = dict[str, Any]
Fill = Callable[[Run, Given, Given, str | None], None]
"""Adds what was left out to fields and to the document's members, in place; told the command's argument too."""
_NOT_TYPED: Final = frozenset({"signer", "prior", "valid_until"})
_DOCUMENT_HELP: Final = "The act's document, a JSON file; other options go before what it says."


@dataclass(frozen=True, slots=True)
class ActCommand:
    """One act as a command.

    `route` is where the host-signed form is posted; `target` names its placeholder, which is the command's argument.
    `stands_for` are the fields the route says, so that the body leaves them out: the target itself unless given.
    `optional` fields may be left out, `special` ones are read in a way of their own, `extra` are shared options of this
    command alone, `prior_option` names the option that gives `prior`, and
    `then` is done once the act is final, told the document's members and the argument.
    """

    act: str
    route: str
    help: str
    target: str | None = None
    target_help: str = ""
    stands_for: frozenset[str] | None = None
    optional: frozenset[str] = frozenset()
    special: dict[str, FieldOption] = field(default_factory=dict)
    prior_option: str | None = None
    extra: Sequence[inspect.Parameter] = ()
    fill: Fill | None = None

    @property
    def said_by_route(self) -> frozenset[str]:
        if self.stands_for is not None:
            return self.stands_for
        return frozenset({self.target} if self.target and f"{{{self.target}}}" in self.route else ())

    @property
    def fills_field(self) -> bool:
        """Whether the argument is a field of the act."""
        return any(each.name == self.target for each in ACTS[self.act].fields)


def act_command(app: typer.Typer, verb: str, told: ActCommand) -> None:
    """Register it."""
    options = _field_options(told)
    members = {name: each for name, each in member_options(told.act).items() if name not in (*options, told.target)}
    parameters = [
        *([argument(told.target, str, help=told.target_help)] if told.target else []),
        *(_parameter(name, each, required=name not in told.optional) for name, each in options.items()),
        *(parameter(name, each) for name, each in members.items()),
    ]
    if main_field(told.act):
        parameters.append(option("document", Path | None, None, help=_DOCUMENT_HELP, rich_help_panel="Document"))
    if told.prior_option:
        parameters.append(option("prior", str | None, None, f"--{told.prior_option}", help="Digest of what it renews."))

    def work(run: Run, **given: Any) -> Answer:
        target = given.pop(told.target) if told.target else None
        fields = {name: each.read(given[name], run.now) for name, each in options.items() if given[name] is not None}
        if told.target and told.fills_field:
            fields[told.target] = target
        if given.get("prior"):
            fields["prior"] = given["prior"]
        document = read_json(given["document"]) if given.get("document") else {}
        document |= {
            name: read_member(each, given[name], run.now) for name, each in members.items() if given[name] is not None
        }
        if told.fill:
            told.fill(run, fields, document, target)
        path = told.route.replace(f"{{{told.target}}}", segment(target or ""))
        answer = submit(run, told.act, path, fields, document or None, said_by_route=told.said_by_route)
        return answer

    taking(work, parameters)
    command(app, verb, *ACT, *told.extra, *CLIENT, help=told.help)(work)


def _field_options(told: ActCommand) -> dict[str, FieldOption]:
    left_out = _NOT_TYPED | (ACT_DOCUMENTS[told.act].keys() - {"rules"}) | told.said_by_route | {told.target}
    return {
        each.name: field_option(each.name, each.kind, told.special)
        for each in ACTS[told.act].fields
        if each.name not in left_out
    }


def _parameter(name: str, each: FieldOption, *, required: bool) -> inspect.Parameter:
    if each.type is bool or each.default is not None:
        return option(name, each.type, each.default, help=each.help)
    if required:
        return option(name, each.type, REQUIRED, help=each.help)
    return option(name, each.type | None, None, help=each.help)


def submit(
    run: Run,
    act: str,
    path: str,
    fields: Given,
    document: Given | None,
    *,
    said_by_route: frozenset[str] = frozenset(),
) -> Answer:
    """Have the act signed, here or by the host, sent, and waited for."""
    if signs_here(run):
        from ledger.cli.signing import sign_and_send

        return submission_answer(run, until_final(run, sign_and_send(run, act, fields, document)))
    body = {name: value for name, value in fields.items() if name not in said_by_route}
    if document is not None:
        body[main_field(act) or "document"] = document
    return submission_answer(run, until_final(run, run.client.post(path, body, wait=run.wait)))
