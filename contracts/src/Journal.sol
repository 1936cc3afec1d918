// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDepartments} from "./interfaces/IDepartments.sol";
import {IJournal} from "./interfaces/IJournal.sol";
import {Codes} from "./lib/Codes.sol";
import {openingHash} from "./lib/Opening.sol";
import {Signed, typedDigest} from "./lib/Signed.sol";
import {
    AUTHORITY,
    CUSTODY_FIRST,
    CUSTODY_LAST,
    DIRECTOR,
    KIND_ACCOUNT,
    KIND_CONTRACT,
    LEVEL_COUNTY,
    LEVEL_FIRST,
    MARK_NONE,
    ROLES_ALL
} from "./lib/Terms.sol";

/// @title Journal: see {IJournal}
/// @dev Counterparts are immutable, so telling a module from a stranger reads no storage; admitted ones cost one slot.
contract Journal is IJournal, Signed {
    bytes32 private constant ADMIT_MODULE = keccak256(
        "AdmitModule(address signer,address module,bytes32 codeHash,bytes32 prior,uint48 validUntil)"
    );
    bytes32 private constant CLOSE_LEDGER = keccak256(
        "CloseLedger(address signer,address successor,bytes32 document,bytes32 prior,uint48 validUntil)"
    );

    address private immutable DEPARTMENTS;
    address private immutable DATASETS;
    address private immutable AUTHORISATIONS;
    address private immutable ATTESTATIONS;
    address private immutable RULEBOOK;
    address private immutable CHECKPOINTS;
    address private immutable COURIER;
    bytes32 private immutable ROOT;
    bytes32 private immutable OPENING;

    bytes32 private _head;
    uint48 private _size; // one slot with _closed
    bool private _closed;
    bytes32 private _last;
    mapping(address module => bool) private _admitted;

    /// @param act the opening; the addresses in it are predicted, each of them refuses to exist anywhere else.
    constructor(OpenLedger memory act) {
        _openable(act);
        DEPARTMENTS = act.departments;
        DATASETS = act.datasets;
        AUTHORISATIONS = act.authorisations;
        ATTESTATIONS = act.attestations;
        RULEBOOK = act.rulebook;
        CHECKPOINTS = act.checkpoints;
        COURIER = act.courier;
        ROOT = act.department;
        bytes32 digest = typedDigest(DOMAIN, openingHash(act));
        OPENING = digest;
        _head = keccak256(abi.encode("ShareLedger", block.chainid, address(this)));
        bytes[] memory nobody = new bytes[](0);
        bytes32 next = _append(address(this), digest, keccak256(abi.encode(nobody)), 0);
        emit Recorded(0, address(this), digest, next, uint48(block.timestamp), nobody);
        emit LedgerOpened(digest, 0, next, act.department, MARK_NONE, act);
    }

    function admitModule(AdmitModule calldata act, bytes[] calldata signatures) external {
        bytes32 digest = _rootSigned(keccak256(abi.encode(ADMIT_MODULE, act)), act.validUntil, act.signer, signatures);
        _follows(_last, act.prior);
        if (isModule(act.module) || act.module == COURIER) revert JournalModuleKnown(act.module);
        if (act.module.code.length == 0 || act.module.codehash != act.codeHash) {
            revert JournalModuleCode(act.module, act.module.codehash);
        }
        (uint256 index, bytes32 next) = _record(address(this), digest, signatures);
        _last = digest;
        _admitted[act.module] = true;
        emit ModuleAdmitted(digest, index, next, ROOT, MARK_NONE, act);
    }

    function closeLedger(CloseLedger calldata act, bytes[] calldata signatures) external {
        bytes32 digest = _rootSigned(keccak256(abi.encode(CLOSE_LEDGER, act)), act.validUntil, act.signer, signatures);
        _follows(_last, act.prior);
        (uint256 index, bytes32 next) = _record(address(this), digest, signatures);
        _last = digest;
        _closed = true;
        emit LedgerClosed(digest, index, next, ROOT, MARK_NONE, act);
    }

    function record(bytes32 digest, bytes[] calldata signatures) external returns (uint256 index, bytes32 next) {
        if (!isModule(msg.sender)) revert JournalNotModule(msg.sender);
        return _record(msg.sender, digest, signatures);
    }

    function tip() external view returns (bytes32, uint256, bool) {
        return (_head, _size, _closed);
    }

    function head() external view returns (bytes32) {
        return _head;
    }

    function size() external view returns (uint256) {
        return _size;
    }

    function closed() external view returns (bool) {
        return _closed;
    }

    function opening() external view returns (bytes32) {
        return OPENING;
    }

    function last() external view returns (bytes32) {
        return _last;
    }

    function root() external view returns (bytes32) {
        return ROOT;
    }

    function departments() external view returns (address) {
        return DEPARTMENTS;
    }

    function datasets() external view returns (address) {
        return DATASETS;
    }

    function authorisations() external view returns (address) {
        return AUTHORISATIONS;
    }

    function attestations() external view returns (address) {
        return ATTESTATIONS;
    }

    function rulebook() external view returns (address) {
        return RULEBOOK;
    }

    function checkpoints() external view returns (address) {
        return CHECKPOINTS;
    }

    function courier() external view returns (address) {
        return COURIER;
    }

    function isModule(address module) public view returns (bool) {
        return module == AUTHORISATIONS || module == DATASETS || module == DEPARTMENTS || module == ATTESTATIONS
            || module == CHECKPOINTS || module == RULEBOOK || module == address(this) || _admitted[module];
    }

    function _rootSigned(bytes32 structHash, uint48 validUntil, address signer, bytes[] calldata signatures)
        private
        view
        returns (bytes32)
    {
        (bytes32 department,, uint8 kind) = IDepartments(DEPARTMENTS).authorise(signer, DIRECTOR);
        if (department != ROOT) revert JournalNotRoot(department);
        return _signed(structHash, validUntil, signer, kind, signatures);
    }

    function _record(address module, bytes32 digest, bytes[] calldata signatures)
        private
        returns (uint256 index, bytes32 next)
    {
        if (_closed) revert JournalClosed();
        index = _size;
        next = _append(module, digest, keccak256(abi.encode(signatures)), index);
        emit Recorded(index, module, digest, next, uint48(block.timestamp), signatures);
    }

    function _append(address module, bytes32 digest, bytes32 signaturesHash, uint256 index)
        private
        returns (bytes32 next)
    {
        next = keccak256(abi.encode(_head, index, module, digest, signaturesHash, block.timestamp));
        _head = next;
        _size = uint48(index + 1);
    }

    /// @dev Two director keys, or one that is a contract and can change its own hands: the root must not lose its last.
    function _openable(OpenLedger memory act) private pure {
        Codes.check(act.department);
        bool rank = act.level >= LEVEL_FIRST && act.level <= LEVEL_COUNTY && act.roles <= ROLES_ALL
            && act.roles & AUTHORITY != 0;
        bool first = act.firstKey != address(0) && _kind(act.firstKind);
        bool second = act.secondKey == address(0)
            ? act.firstKind == KIND_CONTRACT
            : act.secondKey != act.firstKey && _kind(act.secondKind);
        bool custody = act.custody >= CUSTODY_FIRST && act.custody <= CUSTODY_LAST;
        if (!(rank && first && second && custody)) revert JournalOpening();
    }

    function _kind(uint8 kind) private pure returns (bool) {
        return kind == KIND_ACCOUNT || kind == KIND_CONTRACT;
    }
}
