"""The submitter: what becomes of an act, whatever the chain, the node or another submitter does."""

from dataclasses import replace

import pytest

from ledger.domain import refusals
from ledger.domain.submissions import Submission
from ledger.errors import Refused, Unavailable
from ledger.services.carrying import LOOK_SECONDS, MOST_OPEN, MOST_UNDER_WAY, SOON_SECONDS, in_order
from ledger.store.unit_of_work import SqlUnitOfWork
from tests.factories.acts import ROOT_KEY, START, address, change, enrol, register, retire
from tests.unit.write_path.conftest import Rig


async def test_an_act_goes_its_way_and_shows_it(rig: Rig) -> None:
    (digest,) = await rig.queue(register("a"))
    assert await rig.state(digest) == "queued"
    assert await rig.submitter.step()
    assert await rig.state(digest) == "sent"
    rig.node.mine()
    await rig.follow()
    assert not await rig.submitter.step()
    assert await rig.history(digest) == ["queued", "sent", "final"]
    assert (await rig.submission(digest)).entry == 1
    await rig.consistent()


async def test_acts_that_wait_together_go_in_one_transaction(rig: Rig) -> None:
    digests = await rig.queue(*(register(f"d{number}") for number in range(7)))
    await rig.round()
    assert len(rig.packer.made) == 1
    assert set(await rig.states(digests)) == {"final"}
    await rig.consistent()


async def test_included_before_final_where_blocks_need_confirmations(deep_rig: Rig) -> None:
    rig = deep_rig
    (digest,) = await rig.queue(register("a"))
    await rig.submitter.step()
    rig.node.mine()
    rig.clock.time += 0.2
    await rig.submitter.step()
    assert await rig.state(digest) == "included"
    rig.node.mine()
    await rig.follow()
    rig.clock.time += 0.2
    assert await rig.submitter.step()
    assert await rig.state(digest) == "included"
    rig.node.mine()
    await rig.follow()
    assert not await rig.submitter.step()
    assert await rig.history(digest) == ["queued", "sent", "included", "final"]


@pytest.mark.parametrize("keep", [True, False])
async def test_a_block_that_vanishes_puts_its_acts_back_to_sent(deep_rig: Rig, keep: bool) -> None:
    rig = deep_rig
    (digest,) = await rig.queue(register("a"))
    await rig.submitter.step()
    rig.node.mine()
    rig.clock.time += 0.2
    await rig.submitter.step()
    rig.node.reorganise(1, keep=keep)
    rig.clock.time += 2
    assert await rig.submitter.step()
    assert await rig.history(digest) == ["queued", "sent", "included", "sent"]
    assert len(set(rig.node.sent)) == 1, "the same bytes are sent again"
    for _ in range(3):
        rig.node.mine()
    await rig.finish()
    assert await rig.state(digest) == "final"


async def test_another_block_of_the_same_transaction_is_noticed(deep_rig: Rig) -> None:
    rig = deep_rig
    (digest,) = await rig.queue(register("a"))
    await rig.submitter.step()
    rig.node.mine()
    rig.clock.time += 0.2
    await rig.submitter.step()
    rig.node.reorganise(1, keep=True)
    rig.node.mine(register("stranger"))
    rig.clock.time += 0.2
    await rig.submitter.step()
    async with rig.store.read() as work:
        (carried,) = await work.carried(rig.packer.courier)
    assert carried.block == rig.node.tip.block
    assert await rig.state(digest) == "included"


async def test_final_acts_are_never_moved_back(rig: Rig) -> None:
    (digest,) = await rig.queue(register("a"))
    await rig.submitter.step()
    rig.node.mine()
    await rig.follow()
    assert await rig.state(digest) == "final"
    rig.node.chain[-1].receipts.clear()  # a node that lost its receipts
    rig.clock.time += 2
    await rig.submitter.step()
    assert await rig.history(digest) == ["queued", "sent", "final"]
    await rig.finish()
    await rig.consistent()


async def test_a_lost_transaction_is_sent_again_with_the_same_bytes(rig: Rig) -> None:
    (digest,) = await rig.queue(register("a"))
    rig.node.loses = True
    await rig.submitter.step()
    rig.node.mine()
    rig.clock.time += 0.5
    await rig.submitter.step()
    assert len(rig.node.sent) == 1, "not so soon"
    rig.node.loses = False
    rig.clock.time += 0.6
    await rig.submitter.step()
    assert len(rig.node.sent) == 2 and len(set(rig.node.sent)) == 1
    await rig.finish()
    assert await rig.state(digest) == "final"


async def test_a_crash_just_after_storing_uses_no_nonce_twice(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever catches it and goes on with the same submitter must not trust what it remembers."""
    digests = await rig.queue(register("a"))
    commit, failed = SqlUnitOfWork.commit, False

    async def commit_and_fail(self: SqlUnitOfWork) -> None:
        nonlocal failed
        await commit(self)
        if not failed and await self.carried(rig.packer.courier):
            failed = True
            raise Unavailable("the answer was lost")

    monkeypatch.setattr(SqlUnitOfWork, "commit", commit_and_fail)
    with pytest.raises(Unavailable):
        await rig.submitter.step()
    digests += await rig.queue(register("b"))
    await rig.finish()
    assert await rig.states(digests) == ["final", "final"]
    assert [nonce for nonce, _ in rig.packer.made.values()] == [8, 9]


async def test_after_a_restart_the_stored_bytes_are_sent_first(rig: Rig) -> None:
    (digest,) = await rig.queue(register("a"))
    await rig.submitter.step()
    rig.node.forget()
    rig.clock.time += 30
    fresh = rig.another_submitter("two")
    await fresh.step()
    assert rig.node.sent[0] == rig.node.sent[1] and len(rig.packer.made) == 1
    rig.node.mine()
    await rig.follow()
    await fresh.step()
    assert await rig.state(digest) == "final"


async def test_a_crash_between_storing_and_sending_loses_nothing(rig: Rig) -> None:
    (digest,) = await rig.queue(register("a"))

    def crash(step: str) -> None:
        if step == "stored, not sent":
            raise KeyboardInterrupt

    rig.submitter.fault = crash
    with pytest.raises(KeyboardInterrupt):
        await rig.submitter.step()
    assert rig.node.sent == [] and await rig.state(digest) == "sent"
    rig.submitter = rig.another_submitter("two")
    rig.clock.time += 30
    await rig.finish()
    assert await rig.history(digest) == ["queued", "sent", "final"]
    assert len(rig.packer.made) == 1


async def test_a_displaced_transaction_puts_its_acts_back_and_the_nonce_goes_on(rig: Rig) -> None:
    (digest,) = await rig.queue(register("a"))
    rig.node.loses = True
    await rig.submitter.step()
    rig.node.loses = False
    for _ in range(3):
        rig.node.displace()
    rig.clock.time += 2
    await rig.submitter.step()  # displaced, and packed anew at once
    nonces = [nonce for nonce, _ in rig.packer.made.values()]
    assert nonces == [8, 11], "straight to the account's next nonce"
    await rig.finish()
    assert await rig.history(digest) == ["queued", "sent", "queued", "sent", "final"]
    await rig.consistent()


async def test_a_reverted_batch_is_packed_smaller_until_it_goes_through(rig: Rig) -> None:
    digests = await rig.queue(*(register(f"d{number}") for number in range(8)))
    rig.node.reverts_over = 2
    await rig.finish()
    assert set(await rig.states(digests)) == {"final"}
    sizes = [len(acts) for _, acts in rig.packer.made.values()]
    assert sizes[:5] == [8, 4, 4, 2, 2] and len(sizes) < 12
    await rig.consistent()


async def test_an_act_whose_own_transaction_reverts_is_returned_and_blocks_nobody(rig: Rig) -> None:
    rig.node.reverts_over = 0
    (digest,) = await rig.queue(register("a"))
    await rig.finish()
    assert await rig.state(digest) == "returned"
    rig.node.reverts_over = None
    (other,) = await rig.queue(register("b"))
    await rig.finish()
    assert await rig.states([digest, other]) == ["returned", "final"]


async def test_one_bad_act_does_not_hold_up_the_others(rig: Rig) -> None:
    bad = register("no-such-parent", parent="nowhere")
    digests = await rig.queue(register("a"), bad, register("b"))
    await rig.finish()
    assert await rig.states(digests) == ["final", "returned", "final"]
    reason = (await rig.submission(bad.digest)).reason
    assert reason is not None and reason["code"] == "departments-unknown"
    await rig.consistent()


async def test_a_returned_act_is_carried_again_when_it_is_sent_in_again(rig: Rig) -> None:
    child = register("child", parent="later")
    await rig.queue(child)
    await rig.finish()
    assert await rig.state(child.digest) == "returned"
    await rig.queue(register("later"))
    await rig.finish()
    await rig.queue(child)
    assert await rig.state(child.digest) == "queued"
    await rig.finish()
    submission = await rig.submission(child.digest)
    assert submission.state == "final" and submission.reason is None


async def test_a_chain_of_acts_lands_in_whatever_order_it_was_queued(rig: Rig) -> None:
    acts = [register("a")]
    for number in range(6):
        acts.append(change("a", acts[-1].digest, roles=4 + number % 2 * 2))
    digests = await rig.queue(*reversed(acts))
    await rig.finish()
    assert set(await rig.states(digests)) == {"final"}
    assert len(rig.packer.made) == 1
    await rig.consistent()


async def test_an_act_waits_for_the_one_it_continues(rig: Rig) -> None:
    first = register("a")
    second = change("a", first.digest)
    rig.packer.most = 1
    await rig.queue(second)
    await rig.submitter.step()  # the second travels alone, ahead of the first
    await rig.queue(first)
    await rig.finish()
    assert await rig.states([first.digest, second.digest]) == ["final", "final"]
    await rig.consistent()


async def test_an_act_whose_object_moved_on_has_failed(rig: Rig) -> None:
    first = register("a")
    rivals = [change("a", first.digest, roles=roles) for roles in (2, 6)]
    digests = await rig.queue(first, *rivals)
    await rig.finish()
    assert await rig.states(digests) == ["final", "final", "failed"]
    reason = (await rig.submission(digests[2])).reason
    assert reason is not None and reason["code"] == "signed-prior"
    after = change("a", digests[2], roles=4)  # continues what can never be
    await rig.queue(after)
    await rig.finish()
    assert await rig.state(after.digest) == "failed"
    await rig.consistent()


async def test_an_act_that_continues_what_is_unknown_here_is_returned(rig: Rig) -> None:
    elsewhere = register("a")
    here = change("a", elsewhere.digest)
    await rig.queue(here)
    await rig.finish()
    assert await rig.state(here.digest) == "returned"
    rig.node.mine(elsewhere)
    await rig.follow()
    await rig.queue(here)
    await rig.finish()
    assert await rig.state(here.digest) == "final"


async def test_an_act_of_a_retired_key_has_failed(rig: Rig) -> None:
    third = enrol("third")
    late = register("late", signer=address("third"))
    digests = await rig.queue(third, retire(address("third"), third.digest), late)
    await rig.finish()
    assert await rig.states(digests) == ["final", "final", "failed"]
    reason = (await rig.submission(late.digest)).reason
    assert reason is not None and reason["code"] == "departments-key-retired"


async def test_an_act_that_waits_too_long_has_failed(rig: Rig) -> None:
    rig.node.down = True
    (digest,) = await rig.queue(register("a", valid_until=START + 10))
    with pytest.raises(Unavailable):
        await rig.submitter.step()
    rig.clock.time += 11
    rig.node.down = False
    await rig.finish()
    submission = await rig.submission(digest)
    assert submission.state == "failed" and submission.reason is not None
    assert submission.reason["code"] == "signed-expired"


async def test_an_act_that_was_returned_and_is_too_late_has_failed(rig: Rig) -> None:
    (digest,) = await rig.queue(register("a", parent="nowhere", valid_until=START + 10))
    await rig.finish()
    assert await rig.state(digest) == "returned"
    rig.clock.time += 11
    await rig.submitter.step()
    assert await rig.history(digest) == ["queued", "sent", "returned", "failed"]


async def test_a_clock_that_was_wrong_for_a_while_ends_no_act(rig: Rig) -> None:
    """Whatever it noted meanwhile lies in a future that it does not wait for."""
    rig.node.loses = True
    (digest,) = await rig.queue(register("a"))
    rig.clock.time += 1_000_000
    await rig.submitter.step()
    assert await rig.state(digest) == "sent"
    rig.clock.time -= 1_000_000
    rig.node.loses = False
    await rig.submitter.step()
    assert len(rig.node.sent) == 2, "sent again at once"
    await rig.finish()
    assert await rig.state(digest) == "final"


async def test_a_lease_taken_by_a_wrong_clock_ends_all_the_same(rig: Rig) -> None:
    rig.clock.time += 1_000_000
    await rig.submitter.step()
    rig.clock.time -= 1_000_000
    other = rig.another_submitter("two")
    (digest,) = await rig.queue(register("a"))
    assert await other.step()
    assert await rig.state(digest) == "sent"


@pytest.mark.parametrize(
    "lie", [refusals.SignedExpired(1, 2), refusals.DepartmentsKeyRetired(ROOT_KEY), refusals.JournalClosed()]
)
async def test_no_act_fails_on_a_nodes_word_alone(rig: Rig, lie: Refused) -> None:
    late = register("late", parent="parent")
    await rig.queue(late)
    await rig.submitter.step()
    mined = rig.node.mine(register("parent"))
    mined.receipts = {
        name: replace(each, returned=dict.fromkeys(each.returned, lie)) for name, each in mined.receipts.items()
    }
    await rig.follow()
    await rig.finish()
    assert await rig.state(late.digest) != "failed"


async def test_an_act_that_expires_on_its_way_has_failed_by_the_chains_word(rig: Rig) -> None:
    (digest,) = await rig.queue(register("a", valid_until=START + 10))
    await rig.submitter.step()
    rig.clock.time += 11
    await rig.finish()
    assert await rig.history(digest) == ["queued", "sent", "failed"]


async def test_an_act_that_a_stranger_carried_first_is_final_all_the_same(rig: Rig) -> None:
    act = register("a")
    await rig.queue(act)
    await rig.submitter.step()
    rig.node.mine(act)  # the stranger's, then ours, which is returned
    await rig.follow()
    await rig.finish()
    assert await rig.history(act.digest) == ["queued", "sent", "final"]
    await rig.consistent()


async def test_an_act_that_is_an_entry_already_is_final_at_once(rig: Rig) -> None:
    act = register("a")
    rig.node.mine(act)
    await rig.follow()
    await rig.queue(act)
    assert await rig.history(act.digest) == ["queued", "final"]
    await rig.finish()
    assert rig.packer.made == {}
    await rig.consistent()


async def test_a_strangers_nonce_that_vanishes_leaves_no_gap(deep_rig: Rig) -> None:
    """What another program used with the courier's key counts once its block is final."""
    rig = deep_rig
    rig.node.displace()
    (digest,) = await rig.queue(register("a"))
    await rig.submitter.step()
    rig.node.reorganise(1, keep=False)
    rig.node.mine()
    rig.clock.time += 2
    await rig.finish()
    assert await rig.state(digest) == "final"


async def test_a_lease_whose_commit_was_not_heard_of_brings_no_old_nonce(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = rig.another_submitter("two")
    await rig.queue(register("a"))
    await rig.submitter.step()
    await rig.submitter.stop()
    await rig.queue(register("b"))
    await other.step()
    await other.stop()
    commit = SqlUnitOfWork.commit

    async def commit_unheard(self: SqlUnitOfWork) -> None:
        await commit(self)
        raise Unavailable("the answer was lost")

    with monkeypatch.context() as patched:
        patched.setattr(SqlUnitOfWork, "commit", commit_unheard)
        with pytest.raises(Unavailable):
            await rig.submitter.step()
    digests = await rig.queue(register("c"))
    await rig.finish()
    assert await rig.states(digests) == ["final"]
    assert [nonce for nonce, _ in rig.packer.made.values()] == [8, 9, 10]


async def test_a_stranger_may_even_raise_the_failed(rig: Rig) -> None:
    act = register("a", parent="parent", valid_until=START + 10)
    await rig.queue(act)
    await rig.finish()
    assert await rig.state(act.digest) == "returned"
    rig.node.mine(register("parent"), act)
    rig.clock.time += 11
    await rig.submitter.step()
    assert await rig.state(act.digest) == "failed"
    await rig.follow()
    assert await rig.state(act.digest) == "final"
    await rig.consistent()


async def test_nothing_is_judged_before_the_follower_has_read_the_block(rig: Rig) -> None:
    (digest,) = await rig.queue(register("a", parent="nowhere"))
    await rig.submitter.step()
    rig.node.mine()
    rig.clock.time += 0.2
    assert await rig.submitter.step()
    assert await rig.state(digest) == "sent"
    await rig.follow()
    assert not await rig.submitter.step()
    assert await rig.state(digest) == "returned"


async def test_a_receipt_that_lies_costs_a_round_and_no_act(rig: Rig) -> None:
    (digest,) = await rig.queue(register("a", parent="nowhere"))
    await rig.submitter.step()
    mined = rig.node.mine()
    honest = dict(mined.receipts)
    mined.receipts = {name: type(each)(each.block, True, {}) for name, each in honest.items()}  # hides the Returned
    await rig.follow()
    await rig.submitter.step()  # queued again, and carried again
    assert await rig.history(digest) == ["queued", "sent", "queued", "sent"]
    await rig.finish()
    assert await rig.state(digest) == "returned"


async def test_a_false_word_is_not_made_true_by_a_clock_that_is_ahead(rig: Rig) -> None:
    act = register("a", parent="nowhere", valid_until=START + 3600)
    (digest,) = await rig.queue(act)
    await rig.submitter.step()
    mined = rig.node.mine()
    said = {rig.packer.call_hash(act): refusals.DepartmentsKeyRetired(ROOT_KEY)}
    mined.receipts = {name: type(each)(each.block, True, said) for name, each in mined.receipts.items()}
    await rig.follow()
    rig.clock.time += 86_400  # our own rows would end it for another reason, which the node did not give
    await rig.submitter.step()
    assert await rig.history(digest) == ["queued", "sent", "returned", "failed"]
    reason = (await rig.submission(digest)).reason
    assert reason is not None and reason["code"] == "signed-expired"  # what our clock says is said as such


async def test_acts_that_wait_for_each_other_come_to_rest(rig: Rig) -> None:
    rig.packer.most = 1
    digests = await rig.queue(register("x", parent="y"), register("y", parent="x"))
    await rig.finish(rounds=40)
    assert await rig.states(digests) == ["returned", "returned"]


async def test_only_so_many_transactions_are_under_way(rig: Rig) -> None:
    rig.packer.most = 1
    await rig.queue(*(register(f"d{number}") for number in range(30)))
    for _ in range(40):
        await rig.submitter.step()
    assert len(rig.packer.made) == MOST_UNDER_WAY
    for _ in range(10):  # blocks that nobody follows
        rig.node.mine()
        rig.clock.time += 0.2
        for _ in range(5):
            await rig.submitter.step()
    assert len(rig.packer.made) <= MOST_OPEN
    await rig.finish(rounds=60)
    await rig.consistent()


async def test_acts_left_over_go_on_as_soon_as_the_node_has_mined(rig: Rig) -> None:
    rig.packer.most = 1
    await rig.queue(*(register(f"d{number}") for number in range(2 * MOST_UNDER_WAY)))
    await rig.submitter.step()
    assert rig.submitter.again == 0 and len(rig.packer.made) == MOST_UNDER_WAY
    pauses = []
    for _ in range(8):  # nothing is mined: it asks less and less often
        await rig.submitter.step()
        pauses.append(rig.submitter.again)
    assert pauses == sorted(pauses) and pauses[0] == SOON_SECONDS and pauses[-1] == LOOK_SECONDS
    assert len(rig.packer.made) == MOST_UNDER_WAY
    rig.node.mine()  # followed by nobody, and the clock stands still
    await rig.submitter.step()
    assert len(rig.packer.made) == 2 * MOST_UNDER_WAY
    await rig.finish()
    assert rig.submitter.again is None  # nothing is left over: no hurry
    await rig.consistent()


# ---- two submitters -------------------------------------------------------------------------------------------------


async def test_one_submitter_at_a_time(rig: Rig) -> None:
    other = rig.another_submitter("two")
    (digest,) = await rig.queue(register("a"))
    assert await rig.submitter.step()
    assert not await other.step()
    assert other.epoch is None
    rig.node.mine()
    await rig.follow()
    await rig.submitter.step()
    assert await rig.state(digest) == "final"


async def test_a_lease_that_ends_is_taken_over_with_a_new_epoch(rig: Rig) -> None:
    other = rig.another_submitter("two")
    await rig.queue(register("a"))
    await rig.submitter.step()
    first = rig.submitter.epoch
    rig.clock.time += 7
    assert await other.step()
    assert first is not None and other.epoch == first + 1
    assert not await rig.submitter.step()
    assert rig.submitter.epoch is None
    assert len(rig.packer.made) == 1, "what was stored is carried on with, not packed again"


async def test_the_lease_of_a_process_that_has_ended_need_not_run_out(rig: Rig) -> None:
    other = rig.another_submitter("two")
    await rig.queue(register("a"))
    await rig.submitter.step()
    other.has_ended = lambda holder: holder == "somebody else"
    assert not await other.step()
    other.has_ended = lambda holder: holder == "one"
    assert await other.step() and other.epoch == 2
    rig.clock.time += 2
    assert not await rig.submitter.step(), "if it lives after all, it notices"
    rig.submitter = other
    await rig.finish()
    await rig.consistent()


async def test_a_submitter_that_slept_through_the_end_of_its_lease_stores_nothing(rig: Rig) -> None:
    other = rig.another_submitter("two")
    await rig.queue(register("a"))
    await rig.submitter.step()
    await rig.queue(register("b"))
    slow = rig.submitter
    taken = False

    def meanwhile(step: str) -> None:
        nonlocal taken
        taken = taken or step == "packed, not stored"

    slow.fault = meanwhile
    rig.clock.time += 7
    slow._renew_at = rig.clock.time + 1  # it believes in its lease
    await other._leads()
    assert not await slow.step()
    assert taken and slow.epoch is None
    async with rig.store.read() as work:
        assert len(await work.carried(rig.packer.courier)) == 1
    rig.submitter = other
    await rig.finish()
    await rig.consistent()


async def test_a_clean_stop_lets_the_next_one_in_at_once(rig: Rig) -> None:
    other = rig.another_submitter("two")
    await rig.submitter.step()
    assert not await other.step()
    await rig.submitter.stop()
    await rig.queue(register("a"))
    assert await other.step()


def test_order_keeps_the_queue_and_puts_priors_first() -> None:
    first, other = register("a"), register("b")
    second = change("a", first.digest)
    third = change("a", second.digest, roles=2)
    loop: list[Submission] = [third, other, second, first]
    assert in_order(loop) == [first, second, third, other]
    assert in_order([other, first]) == [other, first]
