"""What a scope document grants, and how its filters are written; none of it is a language."""

import pytest

from ledger.domain.documents import Document
from ledger.domain.scopes import Filter, Granted, Scope, widened
from ledger.errors import InvalidDocument, InvalidInput, ScopeNotEnforceable, TooLarge

COLUMNS = ("code", "name", "n")


def scope(items=("code",), rows="全部", filters=()):
    told = {"items": list(items), "rows": rows}
    return Scope.from_json(told | ({"filters": [one.to_json() for one in filters]} if filters else {}))


def test_the_columns_granted_are_those_of_exactly_that_name():
    assert scope(("name", "code", "区划名称")).granted(COLUMNS) == Granted(("code", "name"), (), False)
    whole = scope(("n", "name", "code")).granted(COLUMNS)
    assert whole.whole and whole.columns == COLUMNS
    for other in ("Code", "code ", "ｃｏｄｅ", '"code"', "code as name", "*"):
        with pytest.raises(ScopeNotEnforceable):
            scope((other,)).granted(COLUMNS)


def test_rows_in_words_alone_cannot_be_held_to():
    assert scope(rows="all").granted(COLUMNS).every_row
    with pytest.raises(ScopeNotEnforceable):
        scope(rows="六安市").granted(COLUMNS)
    filters = (Filter("n", "ge", ("3",)),)
    assert scope(rows="六安市", filters=filters).granted(COLUMNS) == Granted(("code",), filters, False)
    with pytest.raises(ScopeNotEnforceable):
        scope(filters=(Filter("other", "is_null"),)).granted(COLUMNS)


def test_a_scope_with_filters_is_a_document():
    filters = (Filter("code", "in", ("", "a")), Filter("n", "is_null"))
    made = Document.make("scope", scope=scope(filters=filters).to_json())
    assert Scope.from_json(Document.parse(made.body, "scope")["scope"]).filters == filters


@pytest.mark.parametrize(
    "one",
    [
        {"column": "n", "operator": "like", "values": ["%"]},
        {"column": "n", "operator": "eq"},
        {"column": "n", "operator": "eq", "values": []},
        {"column": "n", "operator": "eq", "values": ["1", "2"]},
        {"column": "n", "operator": "is_null", "values": ["1"]},
        {"column": "n", "operator": "eq", "values": [1]},
        {"column": "n", "operator": "eq", "values": ["x" * 4097]},
        {"column": "n", "operator": "in", "values": ["x"] * 1001},
        {"column": "", "operator": "is_null"},
        {"column": "n", "operator": "is_null", "sql": "1=1"},
        "n = 1",
    ],
)
def test_what_is_no_filter_is_no_document(one):
    with pytest.raises(InvalidDocument):
        Document.make("scope", scope={"items": ["n"], "rows": "全部", "filters": [one]})
    with pytest.raises(InvalidDocument):
        Scope.from_json({"items": ["n"], "rows": "全部", "filters": [one]})


def test_no_more_filters_than_a_few():
    filters = [{"column": "n", "operator": "is_null"}] * 33
    with pytest.raises(InvalidDocument, match="more than 32"):
        Document.make("scope", scope={"items": ["n"], "rows": "全部", "filters": filters})
    with pytest.raises(InvalidDocument):
        Document.make("scope", scope={"items": ["n"], "rows": "全部", "filters": []})


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("code:eq:341502", Filter("code", "eq", ("341502",))),
        ("code:eq:a:b:c", Filter("code", "eq", ("a:b:c",))),
        ("code:eq:", Filter("code", "eq", ("",))),
        (r"a\:b\\:ne:\:", Filter("a:b\\", "ne", (r"\:",))),
        ("n:is_null", Filter("n", "is_null")),
        ('n:in:["1", "", "[2]"]', Filter("n", "in", ("1", "", "[2]"))),
        ("code:eq:1 or 1=1; --", Filter("code", "eq", ("1 or 1=1; --",))),
        ("a\nb:eq:c\nd", Filter("a\nb", "eq", ("c\nd",))),
    ],
)
def test_how_a_filter_is_written(text, found):
    assert Filter.parse(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "", "code", ":eq:1", "code:1", "code:EQ:1", "code:eq", "code:is_null:", "code:like:%", "code:in:1",
        "code:in:{}", "code:in:[[1]]", "code:in:[1]", "code:in:" + "[" * 5000, 'code:in:["a"', "code:in:[]",
        "code:eq:" + "x" * 4097,
    ],
)  # fmt: skip
def test_what_is_not_a_filter(text):
    with pytest.raises(InvalidInput):
        Filter.parse(text)
    with pytest.raises(TooLarge):
        Filter("n", "in", ("1",) * 1001)


def test_agreeing_may_only_narrow():
    some, more = (Filter("n", "ge", ("3",)),), (Filter("code", "prefix", ("34",)),)
    asked = scope(("code", "name"), filters=some)
    for agreed in (asked, scope(("code",), filters=some), scope(("name", "code"), "六安市", filters=(*more, *some))):
        assert widened(asked, agreed) == []
    assert widened(asked, scope(("code", "n"), filters=some)) == ["the item 'n' was not asked for"]
    assert widened(asked, scope(("code",), filters=more)) == ["the filter on 'n' was dropped"]
    assert widened(scope(rows="六安市"), scope(rows="全部")) == ["all rows, where only some were asked for"]
    assert widened(scope(rows="六安市"), scope(rows="金安区")) == [], "words are for people to compare"
