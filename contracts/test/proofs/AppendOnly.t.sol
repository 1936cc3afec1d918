// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {PLANTED} from "deployed/Planted.sol";
import {ICheckpoints} from "../../src/interfaces/ICheckpoints.sol";
import {IDatasets} from "../../src/interfaces/IDatasets.sol";
import {IDepartments} from "../../src/interfaces/IDepartments.sol";
import {IJournal} from "../../src/interfaces/IJournal.sol";
import {vm} from "../lib/Vm.sol";
import {Proofs, svm} from "./Proofs.sol";

/// What was once written stays.
contract AppendOnlyProof is Proofs {
    function _forget() internal override {
        _forgetJournal();
        _forgetDepartments();
        svm.enableSymbolicStorage(address(datasets));
        svm.enableSymbolicStorage(address(checkpoints));
    }

    /// Recording takes a module and an open ledger; it adds one entry, chained to the head before it.
    function check_record_chains_one_entry(address sender, bytes32 digest, uint48 time) public {
        vm.warp(time);
        bytes[] memory signatures = _signatures(1);
        (bytes32 head, uint256 size, bool closed) = journal.tip();
        vm.assume(size < type(uint48).max);
        bool module = journal.isModule(sender);
        vm.prank(sender);
        bool done = _succeeds(address(journal), abi.encodeCall(IJournal.record, (digest, signatures)));
        (bytes32 next, uint256 grown, bool over) = journal.tip();
        assert(done == (module && !closed));
        assert(over == closed);
        if (!done) assert(next == head && grown == size);
        else {
            assert(!PLANTED);
            assert(grown == size + 1);
            bytes32 signed = keccak256(abi.encode(signatures));
            assert(next == keccak256(abi.encode(head, size, sender, digest, signed, block.timestamp)));
        }
    }

    /// The ledger's own acts are the root's director's; a closed ledger takes neither, and stays closed.
    function check_only_the_root_admits(IJournal.AdmitModule memory act) public {
        IDepartments.Key memory key = _account(act.signer);
        (, uint256 size, bool closed) = journal.tip();
        vm.assume(size < type(uint48).max);
        bytes32 last = journal.last();
        if (!_succeeds(address(journal), abi.encodeCall(IJournal.admitModule, (act, _signatures(1))))) return;
        _assertInForce(key, 3, act.validUntil);
        (, uint256 grown, bool over) = journal.tip();
        assert(key.department == ROOT && act.prior == last && !closed && !over && grown == size + 1);
    }

    function check_only_the_root_closes(IJournal.CloseLedger memory act) public {
        IDepartments.Key memory key = _account(act.signer);
        (, uint256 size, bool closed) = journal.tip();
        vm.assume(size < type(uint48).max);
        bytes32 last = journal.last();
        if (!_succeeds(address(journal), abi.encodeCall(IJournal.closeLedger, (act, _signatures(1))))) return;
        _assertInForce(key, 3, act.validUntil);
        (, uint256 grown, bool over) = journal.tip();
        assert(key.department == ROOT && act.prior == last && !closed && over && grown == size + 1);
    }

    /// A version's fingerprint never changes; a new one has the next number, and belongs to its provider.
    function check_anchoring_leaves_versions_alone(IDatasets.AnchorVersion memory act, bytes32 other) public {
        IDepartments.Key memory key = _account(act.signer);
        IDatasets.Dataset memory dataset = datasets.datasetOf(act.dataset);
        IDatasets.Version memory before = datasets.versionOf(other);
        if (!_succeeds(address(datasets), abi.encodeCall(IDatasets.anchorVersion, (act, _signatures(1))))) return;
        _assertInForce(key, 1, act.validUntil);
        assert(dataset.provider == key.department && dataset.provider != 0 && act.prior == dataset.line);
        assert(act.number == uint256(dataset.versions) + 1);
        IDatasets.Version memory then = datasets.versionOf(other);
        bytes32 created = datasets.datasetOf(act.dataset).line;
        if (other == created) assert(then.number == act.number && then.root == act.root && then.dataset == act.dataset);
        else assert(keccak256(abi.encode(before)) == keccak256(abi.encode(then)));
    }

    /// Shredding says so of one version, and of nothing else.
    function check_shredding_only_marks(IDatasets.ShredVersion memory act, bytes32 other) public {
        IDepartments.Key memory key = _account(act.signer);
        IDatasets.Dataset memory dataset = datasets.datasetOf(act.dataset);
        IDatasets.Version memory before = datasets.versionOf(other);
        bytes32 id = datasets.versionId(act.dataset, act.number);
        if (!_succeeds(address(datasets), abi.encodeCall(IDatasets.shredVersion, (act, _signatures(1))))) return;
        _assertInForce(key, 1, act.validUntil);
        assert(dataset.provider == key.department && act.prior == dataset.line && id != 0);
        IDatasets.Version memory then = datasets.versionOf(other);
        if (other == id && act.whole) before.shredded = true;
        assert(keccak256(abi.encode(before)) == keccak256(abi.encode(then)));
    }

    /// A log of roots only grows, and is its keeper's.
    function check_logs_only_grow(ICheckpoints.PublishCheckpoint memory act, bytes32 department, bytes32 log) public {
        IDepartments.Key memory key = _account(act.signer);
        ICheckpoints.Checkpoint memory before = checkpoints.checkpointOf(department, log);
        vm.assume(act.log == "use"); // the walk over a code's characters is another matter
        if (!_succeeds(address(checkpoints), abi.encodeCall(ICheckpoints.publishCheckpoint, (act, _signatures(1))))) return;
        _assertInForce(key, 1, act.validUntil);
        ICheckpoints.Checkpoint memory then = checkpoints.checkpointOf(department, log);
        if (department == key.department && log == act.log) assert(then.size > before.size && act.prior == before.last);
        else assert(keccak256(abi.encode(before)) == keccak256(abi.encode(then)));
    }
}
