"""Batches: as many acts as gas and size allow, and never none."""

from dataclasses import replace

import pytest

from ledger.chain.encoding import act_call, act_call_size, carry_call
from ledger.chain.packer import ACT_GAS, BASE_GAS, GAS_LIMIT, MAX_BYTES, RESERVE_GAS, CourierPacker, gas_of
from ledger.domain.acts import ACTS
from tests.factories.acts import COURIER_KEY, manifest, register


async def sign(_nonce: int, gas: int, _to: str, payload: bytes) -> tuple[bytes, bytes]:
    assert gas == GAS_LIMIT
    return payload, bytes(32)


@pytest.fixture
def packer() -> CourierPacker:
    return CourierPacker(COURIER_KEY, manifest(), sign)


def test_every_act_has_its_figure() -> None:
    assert ACT_GAS.keys() == ACTS.keys() - {"OpenLedger"}


async def test_a_batch_keeps_to_the_limits(packer: CourierPacker) -> None:
    acts = [register(f"d{number}") for number in range(200)]
    count = packer.fits(acts)
    assert 60 < count < 160
    gas = BASE_GAS + RESERVE_GAS + sum(gas_of(act) for act in acts[:count])
    assert gas <= GAS_LIMIT < gas + gas_of(acts[count])
    carried = await packer.pack(acts[:count], 7)
    assert len(carried.raw) <= MAX_BYTES and carried.nonce == 7
    assert carried.raw == carry_call([(act.module, act_call(act.act, act.signatures)) for act in acts[:count]])


def test_a_contracts_long_signatures_make_batches_small(packer: CourierPacker) -> None:
    acts = [replace(register(f"d{number}"), signatures=(bytes(4096),)) for number in range(200)]
    count = packer.fits(acts)
    assert 10 < count < 35
    assert sum(len(act_call(act.act, act.signatures)) for act in acts[:count]) <= MAX_BYTES
    assert gas_of(acts[0]) > gas_of(register("d0")) + 150_000


def test_one_act_always_fits(packer: CourierPacker) -> None:
    huge = replace(register("a"), signatures=(bytes(200_000),))
    assert packer.fits([huge, register("b")]) == 1
    assert packer.fits([register("b")]) == 1


@pytest.mark.parametrize("lengths", [(65,), (65, 65), (0,), (32,), (33, 4096)])
def test_the_size_of_a_call_is_known_without_making_it(lengths: tuple[int, ...]) -> None:
    act, signatures = register("a").act, [bytes(length) for length in lengths]
    assert act_call_size(act, signatures) == len(act_call(act, signatures))
