"""A binary64 number as text, the way ECMAScript writes it (ECMA-262 section 6.1.6.1.20, Number::toString, radix 10)."""

import math


def number_to_string(value: float) -> str:
    """The shortest text that reads back as the same number, in ECMAScript's layout; -0 is `0`.

    Python's repr and ECMAScript agree on the digits (shortest, then closest); only the layout differs.

    Raises:
        ValueError: NaN and the infinities, which have no place in a table.
    """
    if not math.isfinite(value):
        raise ValueError("is not a finite number")
    if value == 0:
        return "0"
    text = repr(value)
    if "e" not in text and not text.startswith(("0.0", "-0.0")):
        return text.removesuffix(".0")
    sign = "-" if value < 0 else ""
    mantissa, _, exponent = text.removeprefix("-").partition("e")
    whole, _, fraction = mantissa.partition(".")
    point = len(whole) + int(exponent or 0)
    digits = whole + fraction
    point -= len(digits) - len(digits.lstrip("0"))
    digits = digits.strip("0")
    return sign + _layout(digits, point)


def _layout(digits: str, point: int) -> str:
    """`digits` with the decimal point after the first `point` of them: k = len(digits), n = point in ECMA-262."""
    if len(digits) <= point <= 21:
        return digits + "0" * (point - len(digits))
    if 0 < point <= 21:
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return "0." + "0" * -point + digits
    exponent = point - 1
    head = digits if len(digits) == 1 else f"{digits[0]}.{digits[1:]}"
    return f"{head}e{'+' if exponent > 0 else '-'}{abs(exponent)}"
