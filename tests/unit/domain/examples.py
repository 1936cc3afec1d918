"""Random acts of every type, for tests that hold for all of them."""

from typing import Any

from hypothesis import strategies as st

from ledger.domain.acts import ACTS, Kind
from ledger.domain.forms import BITS
from ledger.domain.values import Act

_HEX = {Kind.DIGEST: 32, Kind.ADDRESS: 20}


def values(kind: Kind) -> st.SearchStrategy[Any]:
    if kind is Kind.CODE:
        return st.text("09AZaz-./_", max_size=32)
    if kind is Kind.FLAG:
        return st.booleans()
    if kind in BITS:
        return st.integers(0, 2 ** BITS[kind] - 1)
    prefix = "0x" if kind is Kind.ADDRESS else ""
    return st.binary(min_size=_HEX[kind], max_size=_HEX[kind]).map(lambda raw: prefix + raw.hex())


@st.composite
def acts(draw: st.DrawFn) -> Act:
    name = draw(st.sampled_from(sorted(ACTS)))
    return Act.make(name, **{field.name: draw(values(field.kind)) for field in ACTS[name].fields})
