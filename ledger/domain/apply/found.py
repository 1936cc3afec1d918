"""Objects an entry speaks of, which its acceptance proves to exist."""

from typing import Any

from ledger.domain.identifiers import ZERO_ADDRESS, ZERO_DIGEST
from ledger.domain.state import Shape, State
from ledger.errors import InvalidAct


def found(state: State, shape: type[Shape], *key: Any) -> Shape:
    """The object. Raises InvalidAct if the state does not hold it."""
    item = state.get(shape, *key)
    if item is None:
        raise InvalidAct(f"the state holds no {shape.__name__.lower()} {' '.join(map(str, key))}")
    return item


def or_none(value: str) -> str | None:
    """A digest, address or code, or None where it is zero."""
    return None if value in ("", ZERO_DIGEST, ZERO_ADDRESS) else value
