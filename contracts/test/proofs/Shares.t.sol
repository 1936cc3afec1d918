// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAuthorisations} from "../../src/interfaces/IAuthorisations.sol";
import {IDatasets} from "../../src/interfaces/IDatasets.sol";
import {IDepartments} from "../../src/interfaces/IDepartments.sol";
import {vm} from "../lib/Vm.sol";
import {Proofs, svm} from "./Proofs.sol";

/// Who may move a share, and from where to where.
contract SharesProof is Proofs {
    function _forget() internal override {
        _forgetDepartments();
        _plantTree();
        svm.enableSymbolicStorage(address(datasets));
        svm.enableSymbolicStorage(address(authorisations));
    }

    struct Before {
        IDepartments.Key key;
        IAuthorisations.Share share;
        IAuthorisations.Share other;
        bytes32 otherId;
    }

    function _before(address signer, bytes32 id, bytes32 otherId) private returns (Before memory) {
        IDepartments.Key memory key = _account(signer);
        return Before(key, authorisations.shareOf(id), authorisations.shareOf(otherId), otherId);
    }

    function _done(bytes memory call_) private returns (bool) {
        return _succeeds(address(authorisations), call_);
    }

    /// Other shares stay; this one keeps its parties, its dataset and its revision, and follows its last act.
    function _assertSame(Before memory before, bytes32 id, bytes32 prior) private view {
        assert(before.share.stage != 0 && prior == before.share.last);
        if (before.otherId != id) {
            IAuthorisations.Share memory other = authorisations.shareOf(before.otherId);
            assert(keccak256(abi.encode(other)) == keccak256(abi.encode(before.other)));
        }
        IAuthorisations.Share memory then = authorisations.shareOf(id);
        assert(then.consumer == before.share.consumer && then.provider == before.share.provider);
        assert(then.dataset == before.share.dataset && then.revision == before.share.revision);
        assert(then.until <= before.share.until && then.granted == before.share.granted);
    }

    function _moved(Before memory before, bytes32 id, uint8 first, uint8 last, uint8 to) private view {
        assert(before.share.stage >= first && before.share.stage <= last);
        assert(authorisations.shareOf(id).stage == to);
    }

    /// A signer of one of the four, and B, the lowest, as provider: a share's provider is its second word, shares the module's first variable.
    function _among(bytes32 share, bytes32 home) private {
        _employ(SIGNER, 2, home);
        bytes32 slot = bytes32(uint256(keccak256(abi.encode(share, 0))) + 1);
        vm.store(address(authorisations), slot, "B");
    }

    /// Whether the signer is an authority above the provider, in the tree of four; the root is above itself too.
    function _isAbove(Before memory before) private view returns (bool) {
        (bytes32 signed, bytes32 provider) = (before.key.department, before.share.provider);
        bool authority = departments.departmentOf(signed).roles & 1 == 1;
        return authority && (_below(provider, signed) || (signed == ROOT && provider == ROOT));
    }

    /// Withdrawn before a reply, by the consumer's lead.
    function check_withdrawing(IAuthorisations.WithdrawRequest memory act, bytes32 other) public {
        Before memory before = _before(act.signer, act.share, other);
        if (!_done(abi.encodeCall(IAuthorisations.withdrawRequest, (act, _signatures(1))))) return;
        _assertInForce(before.key, 2, act.validUntil);
        _assertSame(before, act.share, act.prior);
        assert(before.key.department == before.share.consumer);
        _moved(before, act.share, 1, 2, 7);
    }

    /// Agreed by the provider's lead, once, and for no longer than was asked.
    function check_agreeing(IAuthorisations.AgreeShare memory act, bytes32 other) public {
        Before memory before = _before(act.signer, act.share, other);
        if (!_done(abi.encodeCall(IAuthorisations.agreeShare, (act, _signatures(1))))) return;
        _assertInForce(before.key, 2, act.validUntil);
        _assertSame(before, act.share, act.prior);
        assert(before.key.department == before.share.provider);
        _moved(before, act.share, 1, 2, 3);
        assert(act.until > block.timestamp && authorisations.shareOf(act.share).until == act.until);
    }

    /// Refused by the provider's lead, with reasons, and never if it is unconditional and still offered.
    function check_refusing(IAuthorisations.RefuseShare memory act, bytes32 other) public {
        Before memory before = _before(act.signer, act.share, other);
        bool withdrawn = datasets.datasetOf(before.share.dataset).withdrawn;
        if (!_done(abi.encodeCall(IAuthorisations.refuseShare, (act, _signatures(1))))) return;
        _assertInForce(before.key, 2, act.validUntil);
        _assertSame(before, act.share, act.prior);
        assert(before.key.department == before.share.provider && act.document != 0);
        assert(before.share.shareType != 1 || withdrawn);
        _moved(before, act.share, 1, 2, 6);
    }

    /// Delivered by the provider's officer, while it is in force.
    function check_delivering(IAuthorisations.DeliverShare memory act, bytes32 other) public {
        Before memory before = _before(act.signer, act.share, other);
        IDatasets.Version memory version = datasets.versionOf(act.version);
        if (!_done(abi.encodeCall(IAuthorisations.deliverShare, (act, _signatures(1))))) return;
        _assertInForce(before.key, 1, act.validUntil);
        _assertSame(before, act.share, act.prior);
        assert(before.key.department == before.share.provider);
        assert(before.share.suspendedBy == 0 && block.timestamp <= before.share.until);
        assert(version.dataset == before.share.dataset && !version.shredded);
        _moved(before, act.share, 3, 5, 4);
    }

    /// Confirmed by the consumer's officer, after a delivery.
    function check_confirming(IAuthorisations.ConfirmDelivery memory act, bytes32 other) public {
        Before memory before = _before(act.signer, act.share, other);
        if (!_done(abi.encodeCall(IAuthorisations.confirmDelivery, (act, _signatures(1))))) return;
        _assertInForce(before.key, 1, act.validUntil);
        _assertSame(before, act.share, act.prior);
        assert(before.key.department == before.share.consumer);
        _moved(before, act.share, 4, 4, 5);
    }

    /// Suspended by the lead of the provider or of an authority above it.
    function check_suspending(IAuthorisations.SuspendShare memory act, bytes32 home, bytes32 other) public {
        (act.signer, act.share) = (SIGNER, "share");
        _among(act.share, home);
        Before memory before = _before(act.signer, act.share, other);
        bool above = _isAbove(before);
        if (!_done(abi.encodeCall(IAuthorisations.suspendShare, (act, _signatures(1))))) return;
        _assertInForce(before.key, 2, act.validUntil);
        _assertSame(before, act.share, act.prior);
        assert(before.key.department == before.share.provider || above);
        assert(before.share.suspendedBy == 0);
        assert(authorisations.shareOf(act.share).suspendedBy == before.key.department);
    }

    /// Ended by the consumer, the provider or an authority above it, and for good.
    function check_ending(IAuthorisations.EndShare memory act, bytes32 home, bytes32 other) public {
        (act.signer, act.share) = (SIGNER, "share");
        _among(act.share, home);
        Before memory before = _before(act.signer, act.share, other);
        bool above = _isAbove(before);
        if (!_done(abi.encodeCall(IAuthorisations.endShare, (act, _signatures(1))))) return;
        _assertInForce(before.key, 2, act.validUntil);
        _assertSame(before, act.share, act.prior);
        bool party = before.key.department == before.share.provider || before.key.department == before.share.consumer;
        assert(party || above);
        _moved(before, act.share, 3, 5, 8);
        assert(!authorisations.isAuthorised(act.share));
    }
}
