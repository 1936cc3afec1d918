// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {PLANTED} from "deployed/Planted.sol";
import {IDepartments} from "../../src/interfaces/IDepartments.sol";
import {Ledger} from "../lib/Ledger.sol";
import {vm} from "../lib/Vm.sol";

/// What these proofs ask of halmos.
interface Svm {
    function enableSymbolicStorage(address contract_) external;
    function createUint(uint256 bits, string calldata name) external returns (uint256);
    function createBytes(uint256 size, string calldata name) external returns (bytes memory);
}

Svm constant svm = Svm(address(uint160(uint256(keccak256("svm cheat code")))));

contract Nothing {}

/// A ledger whose contracts hold whatever they like: a proof here is one for every state, reachable or not, at every
/// moment. What is fixed: keys are accounts (a contract key may answer what it wants, and is asked by staticcall only),
/// signatures are one or two of 65 bytes, and where a proof walks up the tree, the tree is the one of `_plantTree`.
abstract contract Proofs is Ledger {
    address internal constant SIGNER = address(0xA11CE); // where a proof needs a certain one: any would do
    address internal constant ANOTHER = address(0xB0B);

    uint160 private _next;

    function setUp() public {
        _next = uint160(address(new Nothing())) + 1; // halmos counts addresses up
        _open(_place, address(0x1111), address(0x2222));
        _forget();
    }

    /// halmos leaves alone what the constructor wrote, so that is overwritten: head, size, whether it is closed, last act.
    function _forgetJournal() internal {
        svm.enableSymbolicStorage(address(journal));
        _forgetWord(address(journal), 0);
        uint256 closed = svm.createUint(1, "closed") << 48; // beside the size
        vm.store(address(journal), bytes32(uint256(1)), bytes32(svm.createUint(48, "size") | closed));
        _forgetWord(address(journal), 2);
    }

    /// The same for the number of the root's keys, those keys, and the root.
    function _forgetDepartments() internal {
        svm.enableSymbolicStorage(address(departments));
        _forgetWord(address(departments), 2);
        for (uint256 word = 0; word < 3; word++) {
            _forgetWord(address(departments), uint256(keccak256(abi.encode(ROOT, 0))) + word);
            _forgetWord(address(departments), uint256(keccak256(abi.encode(address(0x1111), 1))) + word);
            _forgetWord(address(departments), uint256(keccak256(abi.encode(address(0x2222), 1))) + word);
        }
    }

    function _forgetWord(address contract_, uint256 slot) private {
        vm.store(contract_, bytes32(slot), bytes32(svm.createUint(256, "word")));
    }

    /// Which contracts forget what they hold, and may hold anything from here on.
    function _forget() internal virtual;

    function _place(uint256 number) private view returns (address) {
        return address(_next + uint160(number));
    }

    function _signatures(uint256 count) internal returns (bytes[] memory made) {
        made = new bytes[](count);
        for (uint256 i = 0; i < count; i++) made[i] = svm.createBytes(65, "signature");
    }

    /// A tree of four: the root, A and C below it, B below A. Their roles and levels are whatever they like.
    function _plantTree() internal {
        _hang(ROOT, 0);
        _hang("A", ROOT);
        _hang("B", "A");
        _hang("C", ROOT);
    }

    /// `parent` is the first word of a department, and departments are Departments' first variable.
    function _hang(bytes32 code, bytes32 parent) private {
        vm.store(address(departments), keccak256(abi.encode(code, 0)), parent);
        assert(departments.departmentOf(code).parent == parent);
    }

    /// A key in force, of that duty, of one of the four departments: which key may sign is proved elsewhere.
    function _employ(address account, uint256 duty, bytes32 department) internal returns (IDepartments.Key memory) {
        bytes32 slot = _seat(account, department);
        uint256 terms = 1 | (duty << 8) | (1 << 16); // an account's, without dates
        vm.store(address(departments), bytes32(uint256(slot) + 2), bytes32(terms));
        return departments.keyOf(account);
    }

    /// A key of one of the four departments, all else about it being whatever it likes. A walk up the tree from a
    /// department that is only known to be one of four would take long, so each gets a path of its own.
    function _seat(address account, bytes32 department) internal returns (bytes32 slot) {
        slot = keccak256(abi.encode(account, 1)); // keys are Departments' second variable
        vm.store(address(departments), slot, _oneOfFour(department));
    }

    /// Which of the four it is, on a path of its own for each.
    function _oneOfFour(bytes32 code) internal pure returns (bytes32) {
        if (code == ROOT) return ROOT;
        if (code == "A") return "A";
        if (code == "B") return "B";
        vm.assume(code == "C");
        return "C";
    }

    /// Strictly below, in that tree.
    function _below(bytes32 code, bytes32 above) internal pure returns (bool) {
        return (code != ROOT && above == ROOT) || (code == "B" && above == "A");
    }

    function _succeeds(address module, bytes memory call_) internal returns (bool done) {
        (done,) = module.call(call_);
    }

    /// The signer's key before the act, at any moment.
    function _account(address signer) internal returns (IDepartments.Key memory key) {
        vm.warp(svm.createUint(48, "time"));
        key = departments.keyOf(signer);
        vm.assume(key.kind != 2);
    }

    /// What must hold of the key of any act that was accepted.
    function _assertInForce(IDepartments.Key memory key, uint8 duty, uint48 validUntil) internal view {
        assert(!PLANTED); // then every proof must fail: none is about acts that nobody can do
        assert(key.kind != 0);
        assert(key.retired == 0);
        assert(key.start <= block.timestamp);
        assert(key.until == 0 || block.timestamp <= key.until);
        assert(key.duty >= duty);
        assert(block.timestamp <= validUntil);
    }
}
