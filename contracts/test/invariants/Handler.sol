// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "./Acts.sol";
import {ICourier} from "../../src/interfaces/ICourier.sol";
import {IJournal} from "../../src/interfaces/IJournal.sol";
import {Vm, vm} from "../lib/Vm.sol";
import {Acting} from "./Acting.sol";
import {Later, Wallet} from "./Cast.sol";
import {Checks} from "./Checks.sol";

/// One call of the fuzzer each: an act, a batch, a stranger, or time.
contract Handler is Checks {
    constructor(bool settled) Acting(settled) {}

    uint256 public batches;
    uint256 public carried;
    uint256 public returned;

    function _act(uint8 name, uint256 seed) private {
        _shuffle(seed);
        vm.warp(block.timestamp + _below(25));
        bool sensible = _percent(70);
        if (sensible) _prepare(name, 4);
        _do(name, sensible);
    }

    /// Does what must come first, if nothing in the ledger has a place for the act.
    function _prepare(uint8 name, uint256 steps) private {
        uint8 first = steps == 0 ? ACTS : _before(name);
        if (first == ACTS) return;
        _prepare(first, steps - 1);
        _do(first, true);
    }

    function admitModule(uint256 seed) external { _act(ADMIT_MODULE, seed); }
    function registerDepartment(uint256 seed) external { _inTree(REGISTER_DEPARTMENT, seed); }
    function changeDepartment(uint256 seed) external { _inTree(CHANGE_DEPARTMENT, seed); }
    function enrolKey(uint256 seed) external { _inTree(ENROL_KEY, seed); }
    function retireKey(uint256 seed) external { _inTree(RETIRE_KEY, seed); }
    function submitDataset(uint256 seed) external { _act(SUBMIT_DATASET, seed); }
    function withdrawDataset(uint256 seed) external { _act(WITHDRAW_DATASET, seed); }
    function publishDataset(uint256 seed) external { _act(PUBLISH_DATASET, seed); }
    function returnDataset(uint256 seed) external { _act(RETURN_DATASET, seed); }
    function anchorVersion(uint256 seed) external { _act(ANCHOR_VERSION, seed); }
    function shredVersion(uint256 seed) external { _act(SHRED_VERSION, seed); }
    function requestShare(uint256 seed) external { _act(REQUEST_SHARE, seed); }
    function withdrawRequest(uint256 seed) external { _act(WITHDRAW_REQUEST, seed); }
    function askSupplement(uint256 seed) external { _act(ASK_SUPPLEMENT, seed); }
    function supplyMaterials(uint256 seed) external { _act(SUPPLY_MATERIALS, seed); }
    function extendReply(uint256 seed) external { _act(EXTEND_REPLY, seed); }
    function agreeShare(uint256 seed) external { _act(AGREE_SHARE, seed); }
    function refuseShare(uint256 seed) external { _act(REFUSE_SHARE, seed); }
    function deliverShare(uint256 seed) external { _act(DELIVER_SHARE, seed); }
    function confirmDelivery(uint256 seed) external { _act(CONFIRM_DELIVERY, seed); }
    function suspendShare(uint256 seed) external { _act(SUSPEND_SHARE, seed); }
    function resumeShare(uint256 seed) external { _act(RESUME_SHARE, seed); }
    function endShare(uint256 seed) external { _act(END_SHARE, seed); }
    function grantShare(uint256 seed) external { _act(GRANT_SHARE, seed); }
    function attestQuality(uint256 seed) external { _act(ATTEST_QUALITY, seed); }
    function withdrawAttestation(uint256 seed) external { _act(WITHDRAW_ATTESTATION, seed); }
    function requestCorrection(uint256 seed) external { _act(REQUEST_CORRECTION, seed); }
    function resolveCorrection(uint256 seed) external { _act(RESOLVE_CORRECTION, seed); }
    function publishRule(uint256 seed) external { _act(PUBLISH_RULE, seed); }
    function publishCheckpoint(uint256 seed) external { _act(PUBLISH_CHECKPOINT, seed); }

    /// By the root only late in a run: afterwards everything is refused, and some calls are to see that too.
    function closeLedger(uint256 seed) external {
        _shuffle(seed);
        Signing memory made = _signed(CLOSE_LEDGER, depth > LATE && _percent(60));
        if (depth > LATE || !_allowed(made)) _bring(made);
    }

    function time(uint256 seed) external {
        vm.warp(block.timestamp + seed % 4000);
    }

    function turnWallet(uint256 seed) external {
        Wallet(hands[ACCOUNTS + seed % WALLETS]).turn((seed >> 8) % 2 == 0 ? 0 : (seed >> 16) % 5);
    }

    /// Whoever is no module records nothing, and what is no act does nothing.
    function stranger(uint256 seed) external {
        _shuffle(seed);
        bytes32[] memory words = new bytes32[](2 + _below(16));
        for (uint256 i = 0; i < words.length; i++) words[i] = _anyWord();
        bytes memory call_ = abi.encodePacked(shapes[uint8(_below(ACTS))].selector, words);
        if (_percent(30)) call_ = abi.encodeCall(IJournal.record, (words[0], new bytes[](_below(3))));
        (bool done,) = shapes[uint8(_below(ACTS))].module.call(call_);
        require(!done, "a stranger was let in");
    }

    /// An admitted module records until the ledger is closed, and not before it is admitted.
    function laterModule(uint256 seed) external {
        _shuffle(seed);
        address module = later[_below(LATER)];
        bytes32 digest = keccak256(abi.encode(_random(), size)); // it could record one twice: it is trusted by the root
        bytes[] memory signatures = new bytes[](_below(3));
        try Later(module).record(journal, digest, signatures) {
            require(admitted[module] && !closed, "a module recorded, and may not");
            _chain(module, digest, signatures);
        } catch {
            require(!admitted[module] || closed, "an admitted module was refused");
        }
    }

    /// A batch of good and bad acts, and of what is no act: exactly the bad ones come back.
    function carry(uint256 seed) external {
        _shuffle(seed);
        vm.warp(block.timestamp + _below(25));
        ICourier.Carried[] memory batch = new ICourier.Carried[](1 + _below(6));
        bool[] memory expected = new bool[](batch.length);
        if (_percent(30)) _tryWithLittleGas();
        for (uint256 i = 0; i < batch.length; i++) {
            if (_percent(15)) batch[i] = _junk();
            else (batch[i], expected[i]) = _packed();
        }
        vm.recordLogs();
        courier.carry(batch);
        _compareReturned(vm.getRecordedLogs(), batch, expected);
        checkTree();
        checkRoot();
        batches++;
    }

    /// An act for a batch. The model takes it at once, so that the next may rest on it.
    function _packed() private returns (ICourier.Carried memory item, bool expected) {
        uint8 name = uint8(_below(ACTS));
        if (name == CLOSE_LEDGER || name == ADMIT_MODULE) name = PUBLISH_CHECKPOINT;
        Signing memory made = _signed(name, _percent(68));
        item = ICourier.Carried(shapes[name].module, _calldata(made.act, made.signatures));
        expected = _allowed(made);
        _note(made.act);
        carried++;
        comparing = false;
        if (expected) _accept(made);
        comparing = true;
    }

    function _junk() private returns (ICourier.Carried memory) {
        address module = _percent(50) ? address(courier) : shapes[uint8(_below(ACTS))].module;
        if (_percent(20)) module = address(uint160(_random()));
        bytes memory call_ = new bytes(_below(300));
        if (_percent(50)) call_ = abi.encodeCall(IJournal.record, (bytes32(_random()), new bytes[](0)));
        return ICourier.Carried(module, call_);
    }

    /// With too little gas for an act a batch is not carried at all: nothing is lost on the way.
    function _tryWithLittleGas() private {
        ICourier.Carried[] memory batch = new ICourier.Carried[](2);
        batch[0] = _junk();
        batch[1] = _junk();
        batch[0].module = batch[1].module = address(journal);
        (bytes32 before,,) = journal.tip();
        uint256 gas_ = 30_000 + _below(1_000_000);
        (bool done,) = address(courier).call{gas: gas_}(abi.encodeCall(ICourier.carry, (batch)));
        (bytes32 afterwards,,) = journal.tip();
        require(!done && before == afterwards, "a batch was carried that cannot pay for its acts");
    }

    function _compareReturned(Vm.Log[] memory found, ICourier.Carried[] memory batch, bool[] memory expected) private {
        uint256 next = 0; // the events of a batch come in its order: an entry, or what was returned
        uint256 recordedHere = 0;
        for (uint256 i = 0; i < found.length; i++) {
            if (found[i].emitter == address(journal) && found[i].topics[0] == RECORDED) recordedHere++;
            if (found[i].emitter != address(courier)) continue;
            while (next < batch.length && expected[next]) next++;
            require(next < batch.length, "more was returned than was bad");
            bool same = found[i].topics[1] == bytes32(next)
                && found[i].topics[2] == bytes32(uint256(uint160(batch[next].module)))
                && found[i].topics[3] == keccak256(batch[next].call);
            require(same, "another act was returned");
            next++;
            returned++;
        }
        for (uint256 i = 0; i < batch.length; i++) {
            if (expected[i]) recordedHere--;
            else if (i >= next) revert("a bad act was not returned");
        }
        require(recordedHere == 0, "not every good act was recorded");
    }

    /// Whatever happened, what lies outside the subtree of the signer's department is as it was.
    function _inTree(uint8 name, uint256 seed) private {
        uint256 before = size;
        _shuffle(seed);
        vm.warp(block.timestamp + _below(25));
        Signing memory made = _signed(name, _percent(68));
        bytes32 home = keys[_address(made.act, "signer")].department;
        bytes32 outside = _outside(home);
        _bring(made);
        if (size == before) return;
        require(_outside(home) == outside, "an act reached out of its subtree");
        checkTree();
        checkRoot();
    }
}
