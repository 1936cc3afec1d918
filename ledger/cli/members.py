"""Options that become members of an act's document, made from the table of document kinds."""

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ledger.cli.failures import InvalidOption
from ledger.cli.options import option
from ledger.cli.values import named, read_json, read_time
from ledger.domain.acts import ACTS, Method
from ledger.domain.document_kinds import ACT_DOCUMENTS
from ledger.domain.shapes import kind_members

_ARTICLE: Final = re.compile(r"(.+?)\s*(第[^第]+条.*)", re.DOTALL)
HELP: Final = {
    "abstract": "Abstract 摘要.",
    "basis": "Basis 依据: a law and its article, or FILE.json; may be repeated.",
    "conditions": "Conditions 使用条件.",
    "materials": "What is supplied; may be repeated.",
    "method": "Method 共享方式: store, platform, file, service.",
    "missing": "What is missing; may be repeated.",
    "name": "Name 名称.",
    "notes": "Notes 备注.",
    "opinion": "Opinion 意见.",
    "purpose": "Purpose 使用目的.",
    "reasons": "Reasons 理由.",
    "scenario": "Scenario 使用场景.",
    "segments": "First record of a segment whose keys go: 0, or as the manifest says; may be repeated.",
    "scope": "Scope 使用范围: 'item,item; which rows', or FILE.json. Items are columns; rows as filters: --where.",
}


@dataclass(frozen=True, slots=True)
class MemberOption:
    """How a member is typed: `read(text or number, now)` gives its JSON value, of each where it may be repeated."""

    type: Any
    read: Callable[[Any, int], Any] = lambda given, now: given
    repeated: bool = False


def read_scope(text: str, now: int) -> Any:
    """`code,name; rows of Lu'an`, or a .json file; without rows, all of them. Raises InvalidOption."""
    if text.endswith(".json"):
        return read_json(Path(text))
    items, _, rows = text.partition(";")
    named_items = [item.strip() for item in re.split("[,，]", items) if item.strip()]
    if not named_items:
        raise InvalidOption("a scope names at least one data item", remedy="Write it as 'item,item; which rows'.")
    return {"items": named_items, "rows": rows.strip() or "全部"}


def read_citation(text: str, now: int) -> Any:
    """`政务数据共享条例第二十条`, a law without an article, or a .json file with the members law, article, text."""
    if text.endswith(".json"):
        return read_json(Path(text))
    match = _ARTICLE.fullmatch(text.strip())
    return {"law": match[1], "article": match[2]} if match else {"law": text.strip()}


SHAPES: Final[dict[str, MemberOption]] = {
    "text": MemberOption(str),
    "texts": MemberOption(str, repeated=True),
    "code": MemberOption(str),
    "digest": MemberOption(str),
    "date": MemberOption(str),
    "natural": MemberOption(int),
    "naturals": MemberOption(int, repeated=True),
    "time": MemberOption(str, read_time),
    "scope": MemberOption(str, read_scope),
    "citation*": MemberOption(str, read_citation, repeated=True),
}
"""What can be typed; a member of any other shape comes from the document's file."""
_METHOD: Final = MemberOption(str, lambda text, now: named(Method)(text))


def main_field(act: str) -> str | None:
    """The field of the act that names its document; None if it carries none."""
    kinds = ACT_DOCUMENTS[act]
    return "document" if "document" in kinds else next(iter(kinds), None)


def member_options(act: str) -> dict[str, MemberOption]:
    """The members of the act's document that can be given as options: not those the act's own fields say."""
    main = main_field(act)
    kinds = ACT_DOCUMENTS[act].get(main or "", ())
    if len(kinds) != 1:
        return {}
    said = {field.name for field in ACTS[act].fields} - (ACT_DOCUMENTS[act].keys() - {"rules"})
    found: dict[str, MemberOption] = {}
    for name, (shape, _) in kind_members(kinds[0]).items():
        if name not in said and shape in SHAPES:
            found[name] = _METHOD if name == "method" else SHAPES[shape]
    return found


def parameter(name: str, each: MemberOption) -> inspect.Parameter:
    """The member as an option."""
    kind = list[each.type] | None if each.repeated else each.type | None  # type: ignore[name-defined]
    help = HELP.get(name) or f"{name.replace('_', ' ').capitalize()}{'; may be repeated' if each.repeated else ''}."
    return option(name, kind, None, help=help, rich_help_panel="Document")


def read_member(each: MemberOption, given: Any, now: int) -> Any:
    """The member's JSON value. Raises InvalidOption, UnreadableFile."""
    return [each.read(one, now) for one in given] if each.repeated else each.read(given, now)
