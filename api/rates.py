"""How often somebody may ask: token buckets, refilled steadily, that hold a burst.

Requests are counted, not what is in them: a thousand acts in one POST are one request.
"""

import ipaddress
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

MOST_KEYS: Final = 10_000  # buckets remembered; the one untouched for longest is forgotten first
_FLAT: Final = 1e-9  # what floating point may lose


class Rate:
    """`burst` at once, and `per_second` on average, for each key. A rate of 0 lets everything through."""

    def __init__(self, per_second: float, burst: float, now: Callable[[], float], most_keys: int = MOST_KEYS) -> None:
        self._per_second, self._burst, self._now, self._most_keys = per_second, max(1.0, burst), now, most_keys
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # (tokens, when)

    def wait(self, key: str) -> float:
        """Seconds until there is a token; 0: there is one now."""
        missing = 1 - self._level(key)
        return 0.0 if not self._per_second or missing <= _FLAT else missing / self._per_second

    def take(self, key: str) -> None:
        """Use up a token, if there is one."""
        if self._per_second:
            self._buckets[key] = (max(0.0, self._level(key) - 1), self._now())
            self._buckets.move_to_end(key)
            if len(self._buckets) > self._most_keys:
                self._buckets.popitem(last=False)

    def _level(self, key: str) -> float:
        tokens, when = self._buckets.get(key, (self._burst, self._now()))
        return min(self._burst, tokens + (self._now() - when) * self._per_second)


def network(address: str | None) -> str:
    """Whom a rate by address is for: an IPv4 address, or the /64 that one IPv6 host may choose its addresses from."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return address or ""
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((int(parsed), 64), strict=False))
    return str(parsed)
