"""A chart of what `bench fingerprint` found: how many times as long each rival takes. One bar each, on a log scale."""

import math
from collections.abc import Callable, Mapping
from html import escape
from typing import Any, Final

WIDTH, LABEL, BAR, ROW = 720, 330, 320, 24  # pixels
MOST: Final = 1000.0  # times as long, at the right edge
LEAST: Final = 0.1

Found = Mapping[str, Any]
BARS: Final[tuple[tuple[str, Callable[[Found], float]], ...]] = (
    ("pymerkle, root over 2 M leaves", lambda found: found["root"]["ratio_pymerkle"]),
    ("hashlib loop, the same", lambda found: found["root"]["ratio_hashlib"]),
    ("OpenSSL's stream, a compression", lambda found: found["root"]["ratio_openssl"]),
    ("json.dumps and hashlib, Parquet of 5 M rows", lambda found: found["parquet"]["ratio_json"]),
    ("DuckDB sha256(concat_ws(…)), the same", lambda found: found["parquet"]["ratio_duckdb"]),
    ("sha256sum, CSV of 5 M rows", lambda found: 1 / found["csv"]["times_sha256sum"]),
    ("the whole table, where 3 of 153 chunks changed", lambda found: found["diff"]["ratio"]),
    ("pymerkle, verifying one record", lambda found: found["proof"]["ratio_verify_pymerkle"]),
)


def svg(found: Found) -> str:
    """The chart. Raises KeyError if a row was not measured."""
    height = ROW * (len(BARS) + 2)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" font-family="sans-serif" '
        f'font-size="13"><rect width="100%" height="100%" fill="#ffffff"/>'
        f'<text x="8" y="17" font-weight="bold">'
        f"How many times as long as ShareLedger, {escape(str(found['cpu']))}</text>"
    ]
    for place, (label, ratio) in enumerate(BARS, 1):
        parts.append(_bar(place * ROW, label, ratio(found)))
    one, bottom = LABEL + _length(1), ROW * (len(BARS) + 1)
    parts.append(f'<line x1="{one:.1f}" y1="{ROW}" x2="{one:.1f}" y2="{bottom}" stroke="#444444"/>')
    parts.append(f'<text x="{one:.1f}" y="{bottom + 15}" text-anchor="middle">as long (log scale)</text></svg>')
    return "\n".join(parts) + "\n"


def _bar(top: int, label: str, ratio: float) -> str:
    left, right = sorted((_length(1), _length(ratio)))
    colour, width = "#2f6f4f" if ratio >= 1 else "#b0413e", max(right - left, 1)
    return (
        f'<text x="{LABEL - 8}" y="{top + 16}" text-anchor="end">{escape(label)}</text>'
        f'<rect x="{LABEL + left:.1f}" y="{top + 4}" width="{width:.1f}" height="{ROW - 8}" fill="{colour}"/>'
        f'<text x="{LABEL + right + 5:.1f}" y="{top + 16}">{ratio:.3g} ×</text>'
    )


def _length(ratio: float) -> float:
    """Pixels from the left edge of the bars."""
    bounded = min(max(ratio, LEAST), MOST)
    return BAR * math.log(bounded / LEAST) / math.log(MOST / LEAST)
