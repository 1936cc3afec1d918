"""API keys: who calls, for which department, with which duty and roles.

A token is `slk_<id>_<secret>`, the secret being 32 random bytes in hex. Only SHA-256 of id and secret is stored: the
secret has full entropy, so a slow hash would protect nothing that 256 bits do not. A copy of the database opens no
door, and a row moved under another id opens none either.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from typing import Final

from ledger.domain.acts import Duty, Role
from ledger.domain.callers import Caller
from ledger.domain.identifiers import parse_code
from ledger.domain.state import Department
from ledger.errors import InvalidInput, NotAuthenticated, NotFound
from ledger.ports import ApiKey, Clock, Store, UnitOfWork

MAX_DAYS: Final = 3660
MAX_LABEL: Final = 100
PAGE: Final = 1000
_TOKEN: Final = re.compile(r"slk_([0-9a-f]{16})_([0-9a-f]{64})", re.ASCII)
_ALL_ROLES: Final = Role(sum(Role))
_DAY_MS: Final = 86_400_000
_NOBODY: Final = "0" * 64  # compared with where no key has the id, so that both ways take the same time


@dataclass(frozen=True, slots=True)
class Issued:
    """A new key. `token` is shown once and stored nowhere; `repr` leaves it out."""

    key: ApiKey
    token: str

    def __repr__(self) -> str:
        return f"Issued({self.key.id!r})"


async def issue(store: Store, clock: Clock, department: str, duty: Duty, roles: Role, label: str, days: int) -> Issued:
    """A key of a registered department, for `days` from now.

    Raises NotFound for a department the ledger does not know, InvalidInput for a role it does not have, a label of
    another length than 1 to 100 or days outside 1 to 3660.
    """
    if not 1 <= days <= MAX_DAYS:
        raise InvalidInput(f"an API key lasts 1 to {MAX_DAYS} days, not {days}", days=days)
    if not 1 <= len(label) <= MAX_LABEL or not label.isprintable():
        raise InvalidInput(f"a label is 1 to {MAX_LABEL} printable characters")
    now = _milliseconds(clock)
    id, secret = secrets.token_hex(8), secrets.token_hex(32)
    key = ApiKey(
        id=id,
        hash=_hash(id, secret),
        label=label,
        department=parse_code(department),
        duty=Duty(duty),
        roles=int(roles),
        created=now,
        expires=now + days * _DAY_MS,
    )
    async with store.write() as work:
        await _check_roles(work, department, roles)
        await work.add_api_key(key)
        await work.commit()
    return Issued(key, f"slk_{id}_{secret}")


async def _check_roles(work: UnitOfWork, department: str, roles: Role) -> None:
    registered = await _department(work, department)
    if registered is None:
        raise NotFound(f"no department {department} is registered", department=department)
    if beyond := _names(Role(roles & ~Role(registered.roles))):
        raise InvalidInput(
            f"{department} does not have the role {'+'.join(beyond)}",
            remedy="Leave the role out, or have the authority above give it to the department first.",
            roles=beyond,
        )


async def authenticate(store: Store, clock: Clock, token: str) -> Caller:
    """Who the token speaks for, now. Its roles are those the department still has on the ledger.

    Raises NotAuthenticated, without saying more to a stranger than a holder of the secret may know.
    """
    match = _TOKEN.fullmatch(token)
    if match is None:
        raise NotAuthenticated("the API key is not of the form slk_<id>_<secret>")
    id, secret = match.groups()
    async with store.read() as work:
        key = await work.api_key(id)
        if not hmac.compare_digest(_hash(id, secret), key.hash if key else _NOBODY) or key is None:
            raise NotAuthenticated("no such API key")
        now = _milliseconds(clock)
        if key.revoked is not None and key.revoked <= now:
            raise NotAuthenticated("the API key was revoked", key=id)
        if key.expires <= now:
            raise NotAuthenticated("the API key has expired", key=id)
        department = await _department(work, key.department)
    held = Role(department.roles) if department else Role(0)
    return Caller(id=id, department=key.department, duty=Duty(key.duty), roles=Role(key.roles) & held & _ALL_ROLES)


def id_of(token: str) -> str | None:
    """The id in a token, whether or not there is such a key; None if it has not the form of one."""
    match = _TOKEN.fullmatch(token)
    return match[1] if match else None


async def revoke(store: Store, clock: Clock, id: str) -> None:
    """From now on the key opens nothing; a second time changes nothing. Raises NotFound."""
    async with store.write() as work:
        if await work.api_key(id) is None:
            raise NotFound(f"no API key {id!r}")
        await work.revoke_api_key(id, _milliseconds(clock))
        await work.commit()


async def listed(
    store: Store, department: str | None = None, *, after: str | None = None, limit: int = PAGE
) -> list[ApiKey]:
    """Keys, oldest first, in force or not; of one department if named. Raises NotFound if no key has the id `after`."""
    async with store.read() as work:
        if after is not None and await work.api_key(after) is None:
            raise NotFound(f"no API key {after!r}")
        return await work.api_keys(department, after=after, limit=limit)


async def _department(work: UnitOfWork, code: str) -> Department | None:
    return (await work.load([(Department, (code,))])).get(Department, code)


def _hash(id: str, secret: str) -> str:
    return hashlib.sha256(f"shareledger-api-key/1\n{id}\n{secret}".encode()).hexdigest()


def _milliseconds(clock: Clock) -> int:
    return int(clock.now() * 1000)


def _names(roles: Role) -> list[str]:
    return [role.name.lower() for role in roles if role.name]
