"""`Prefer: wait=N` (RFC 7240): answer once the act is final, or after N seconds."""

import re
from typing import Final

from fastapi import Request

from api.limits import LONGEST_WAIT

_WAIT: Final = re.compile(r"(?:^|[,;])\s*wait\s*=\s*\"?([0-9]{1,6})\"?\s*(?=$|[,;])", re.IGNORECASE | re.ASCII)


def preferred_wait(request: Request) -> int:
    """Seconds, at most 60; 0 if the request does not ask. A preference that cannot be read is none, as the RFC says."""
    found = _WAIT.search(",".join(request.headers.getlist("prefer")))
    return min(int(found[1]), LONGEST_WAIT) if found else 0
