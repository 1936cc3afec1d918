"""The shapes that members of documents can have."""

import re
from collections.abc import Callable, Mapping
from datetime import date
from functools import cache
from typing import Any, Final

from ledger.domain.document_kinds import DOCUMENT_KINDS, PARTS
from ledger.domain.identifiers import CODE_PATTERN, DIGEST_PATTERN
from ledger.errors import InvalidDocument

MAX_INTEGER: Final = 2**53 - 1  # RFC 8785 numbers are binary64
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def _is_natural(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_INTEGER


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_date(value: object) -> bool:
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def _list_of(element: Callable[[object], bool], least: int) -> Callable[[object], bool]:
    return lambda value: isinstance(value, list) and len(value) >= least and all(map(element, value))


OPERATORS: Final = ("eq", "ne", "lt", "le", "gt", "ge", "in", "prefix", "is_null", "not_null")
"""How a filter compares a cell: there are no others, and none that is a language of its own."""

SHAPES: Final[dict[str, tuple[Callable[[object], bool], str]]] = {
    "text": (_is_text, "a text that is not blank"),
    "texts": (_list_of(_is_text, 1), "a list of texts, at least one"),
    "cells": (_list_of(lambda value: isinstance(value, str), 1), "a list of texts, at least one; they may be empty"),
    "operator": (lambda value: isinstance(value, str) and value in OPERATORS, f"one of {', '.join(OPERATORS)}"),
    "code": (lambda value: isinstance(value, str) and bool(CODE_PATTERN.fullmatch(value)), "a code"),
    "digest": (lambda value: isinstance(value, str) and bool(DIGEST_PATTERN.fullmatch(value)), "64 hex digits"),
    "natural": (_is_natural, "an integer from 0 on"),
    "naturals": (_list_of(_is_natural, 1), "a list of integers from 0 on, at least one"),
    "time": (_is_natural, "a time in unix seconds"),
    "date": (_is_date, "a date YYYY-MM-DD"),
    "dates": (_list_of(_is_date, 0), "a list of dates YYYY-MM-DD"),
    "flag": (lambda value: isinstance(value, bool), "true or false"),
    "object": (lambda value: isinstance(value, dict), "an object"),
}


@cache
def members_of(table: str) -> dict[str, tuple[str, bool]]:
    """Member → (shape, whether it must be there), of a kind's or part's table."""
    members = {}
    for item in table.split():
        name, shape = item.split(":")
        members[name] = (shape.removesuffix("?"), not shape.endswith("?"))
    return members


@cache
def kind_members(kind: str) -> dict[str, tuple[str, bool]]:
    """Of a document's kind, without `kind` and `salt`. Raises InvalidDocument for an unknown kind."""
    if kind not in DOCUMENT_KINDS:
        raise InvalidDocument(f"there is no kind of document {kind!r}", known=sorted(DOCUMENT_KINDS))
    return {**members_of(DOCUMENT_KINDS[kind]), "notes": ("text", False)}


def faults(value: Mapping[str, Any], members: Mapping[str, tuple[str, bool]], at: str = "") -> list[str]:
    """What is wrong with an object of such members, each as one short sentence with its path; empty if nothing is."""
    found = [f"{at}{name} is missing" for name, (_, needed) in members.items() if needed and name not in value]
    if not value.keys() <= members.keys():
        found += [f"{at}{name} is unknown" for name in sorted(value) if name not in members]
    for name, (shape, _) in members.items():
        if name in value:
            simple = SHAPES.get(shape)
            if simple is None or not simple[0](value[name]):
                found += _faults_of(value[name], shape, at + name)
    return found


def _faults_of(value: object, shape: str, at: str) -> list[str]:
    if shape in SHAPES:
        fits, form = SHAPES[shape]
        return [] if fits(value) else [f"{at} is not {form}"]
    members = members_of(PARTS[shape.removesuffix("*")])
    if not shape.endswith("*"):
        return faults(value, members, f"{at}.") if isinstance(value, dict) else [f"{at} is not an object"]
    if not isinstance(value, list) or not value:
        return [f"{at} is not a list of at least one object"]
    found: list[str] = []
    for position, element in enumerate(value):
        place = f"{at}[{position}]"
        found += faults(element, members, f"{place}.") if isinstance(element, dict) else [f"{place} is not an object"]
    return found
