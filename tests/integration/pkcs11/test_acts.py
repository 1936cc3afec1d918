"""A department's key and the courier's in a token: real acts on the real chain, to final."""

import asyncio
from pathlib import Path

import pkcs11
import pytest

from keys.errors import TokenUnavailable, WrongPin
from keys.keystore import Keystore
from keys.passphrases import Passphrase
from ledger.courier_change import change_courier
from ledger.domain.state import Key
from ledger.domain.submissions import SubmissionState
from ledger.errors import Conflict, InvalidSettings, NotReady
from ledger.runtime import open_runtime, read_couriers
from ledger.settings import Settings
from tests.harness.tokens import SoftToken
from tests.harness.world import copy_home, make_home, opened, source_of

pytestmark = pytest.mark.needs("hsm")
PLACE = {"parent": "341500", "level": 3, "roles": 6}


@pytest.fixture(scope="module")
def token_home(tmp_path_factory: pytest.TempPathFactory, office_token: SoftToken) -> Path:
    """A ledger whose root directors and courier were made in the token."""
    folder = tmp_path_factory.mktemp("token-home") / "home"
    return asyncio.run(make_home(folder, pin=office_token.source, **office_token.settings()))


async def test_department_and_courier_keys_in_the_token_act_to_final(
    token_home: Path, office_token: SoftToken, tmp_path: Path
) -> None:
    home = copy_home(token_home, tmp_path / "home")
    assert Keystore(home / "keystore").addresses() == [], "nothing but the vault's key is in the keystore"
    assert Keystore(home / "keystore").secrets() == ["vault"]
    in_token = {key.address for key in office_token.open().listed()}
    async with opened(home, pin=office_token.source, **office_token.settings()) as world:
        codes = [f"3415{number:02d}.d" for number in range(12)]
        digests = [await world.act("RegisterDepartment", department=code, **PLACE) for code in codes]
        made = await world.runtime.create_key()
        fields = {"key": made, "kind": 1, "duty": 1, "custody": 2, "start": 0, "until": 0, "department": codes[0]}
        await world.settle(digests)
        digests.append(await world.act("EnrolKey", {"holder": "数据管理科", "purpose": "数据共享"}, **fields))
        settled = await world.settle()
        assert {one.state for one in settled} == {SubmissionState.FINAL}, [one.reason for one in settled]
        checked = await world.recheck()
        signers = {entry.act["signer"] for entry in checked.entries[1:]}
        assert signers <= in_token, "every act was signed by a key in the token"
        assert read_couriers(world.runtime.settings)[0] in in_token
        assert checked.state.get(Key, made) is not None
        assert checked.transactions >= 2


async def test_the_courier_moves_to_a_token(founded: Path, office_token: SoftToken, tmp_path: Path) -> None:
    home = copy_home(founded, tmp_path / "home")
    with_token = Settings.load(home=home, **office_token.settings())
    (before,) = read_couriers(with_token)
    async with opened(home) as world:
        first = await world.register("341501")
        await world.settle([first])
        with pytest.raises(Conflict, match="a server is carrying"):
            await change_courier(with_token, source_of(home), office_token.source)
    change = await change_courier(with_token, source_of(home), office_token.source)
    assert (change.before, read_couriers(with_token)) == (before, (change.after, before))
    assert office_token.open().holds(change.after)
    with pytest.raises(NotReady, match="courier"):
        async with open_runtime(Settings.load(home=home), source_of(home)):
            pass
    async with opened(home, pin=office_token.source, **office_token.settings()) as world:
        second = await world.register("341502")
        assert [one.state for one in await world.settle([second])] == [SubmissionState.FINAL]
        assert not world.runtime.ports.signatures.holds(before), "a former courier signs no acts either"
        await world.recheck([first])


async def test_a_courier_with_open_transactions_stays(founded: Path, tmp_path: Path) -> None:
    home = copy_home(founded, tmp_path / "home")
    async with opened(home, running=False, lease_seconds=0.001) as world:
        await world.register("341501")
        submitter = world.runtime.loops.submitter
        assert submitter is not None
        await submitter.step()
        await submitter.stop()
    with pytest.raises(Conflict, match="not settled"):
        await change_courier(Settings.load(home=home), source_of(home))


async def test_a_token_pulled_out_stops_signing_only_until_it_is_back(
    token_home: Path, office_token: SoftToken, tmp_path: Path
) -> None:
    home = copy_home(token_home, tmp_path / "home")
    async with opened(home, running=False, pin=office_token.source, **office_token.settings()) as world:
        waiting = await world.register("341501")
        submitter = world.runtime.loops.submitter
        assert submitter is not None
        with office_token.pulled_out():
            with pytest.raises(TokenUnavailable):
                await submitter.step()
            with pytest.raises(TokenUnavailable):
                await world.register("341502")
            assert (await world.submission(waiting)).state is SubmissionState.QUEUED
            assert await world.runtime.catch_up() == 0, "reading goes on"
        loops = asyncio.create_task(world.runtime.loops.run())
        settled = await world.settle()
        assert [one.state for one in settled] == [SubmissionState.FINAL], "the same process goes on when it is back"
        await world.recheck()
        loops.cancel()
        await asyncio.wait([loops])


async def test_what_is_wrong_with_the_token_shows_at_the_start(
    token_home: Path, office_token: SoftToken, tmp_path: Path
) -> None:
    home = copy_home(token_home, tmp_path / "home")
    pkcs11.lib(str(office_token.module)).reinitialize()
    for settings, pin, error in (
        (office_token.settings(), lambda: Passphrase("wrong"), WrongPin),
        (office_token.settings(), None, NotReady),
        ({"pkcs11_module": office_token.module}, office_token.source, InvalidSettings),
        ({}, None, NotReady),
    ):
        with pytest.raises(error):
            async with open_runtime(Settings.load(home=home, **settings), source_of(home), pin=pin):
                pass
