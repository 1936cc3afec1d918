"""The constants of SHA-256 (FIPS 180-4 section 5.3.3 and 4.2.2), worked out rather than copied."""

from itertools import count, islice
from typing import Final


def _primes(number: int) -> list[int]:
    found: list[int] = []
    candidates = (each for each in count(2) if all(each % prime for prime in found))
    for prime in islice(candidates, number):
        found.append(prime)
    return found


def _root_bits(prime: int, power: int) -> int:
    """The first 32 bits of the fraction of the prime's square or cube root."""
    low, high = 0, prime << 32
    while low + 1 < high:
        middle = (low + high) // 2
        low, high = (middle, high) if middle**power <= prime << (32 * power) else (low, middle)
    return low & 0xFFFFFFFF


ROUND: Final = tuple(_root_bits(prime, 3) for prime in _primes(64))
START: Final = tuple(_root_bits(prime, 2) for prime in _primes(8))
