// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ledger} from "../lib/Ledger.sol";

uint8 constant ADMIT_MODULE = 0;
uint8 constant CLOSE_LEDGER = 1;
uint8 constant REGISTER_DEPARTMENT = 2;
uint8 constant CHANGE_DEPARTMENT = 3;
uint8 constant ENROL_KEY = 4;
uint8 constant RETIRE_KEY = 5;
uint8 constant SUBMIT_DATASET = 6;
uint8 constant WITHDRAW_DATASET = 7;
uint8 constant PUBLISH_DATASET = 8;
uint8 constant RETURN_DATASET = 9;
uint8 constant ANCHOR_VERSION = 10;
uint8 constant SHRED_VERSION = 11;
uint8 constant REQUEST_SHARE = 12;
uint8 constant WITHDRAW_REQUEST = 13;
uint8 constant ASK_SUPPLEMENT = 14;
uint8 constant SUPPLY_MATERIALS = 15;
uint8 constant EXTEND_REPLY = 16;
uint8 constant AGREE_SHARE = 17;
uint8 constant REFUSE_SHARE = 18;
uint8 constant DELIVER_SHARE = 19;
uint8 constant CONFIRM_DELIVERY = 20;
uint8 constant SUSPEND_SHARE = 21;
uint8 constant RESUME_SHARE = 22;
uint8 constant END_SHARE = 23;
uint8 constant GRANT_SHARE = 24;
uint8 constant ATTEST_QUALITY = 25;
uint8 constant WITHDRAW_ATTESTATION = 26;
uint8 constant REQUEST_CORRECTION = 27;
uint8 constant RESOLVE_CORRECTION = 28;
uint8 constant PUBLISH_RULE = 29;
uint8 constant PUBLISH_CHECKPOINT = 30;
uint8 constant ACTS = 31;

/// An act as the words it is made of: its signer first, `prior` and `validUntil` last.
struct Act {
    uint8 name;
    bytes32[] words;
}

/// Every act's shape, read from its EIP-712 type: from here and not from the contracts come digests and calldata.
abstract contract Acts is Ledger {
    struct Shape {
        bytes32 typeHash;
        bytes4 selector;
        address module;
        uint8 duty; // the least that may sign
        bytes kinds; // of each field: A address, B 32 bytes, F flag, else the bits of a number divided by 8
    }

    string[] internal names;
    mapping(uint8 act => Shape) internal shapes;
    mapping(uint8 act => mapping(bytes32 field => uint256 place)) private _places; // from 1

    function _learnActs() internal {
        address module = address(journal);
        _learn(module, 3, "AdmitModule(address signer,address module,bytes32 codeHash,");
        _learn(module, 3, "CloseLedger(address signer,address successor,bytes32 document,");
        module = address(departments);
        _learn(module, 3, "RegisterDepartment(address signer,bytes32 department,bytes32 parent,uint8 level,uint16 roles,bytes32 document,");
        _learn(module, 3, "ChangeDepartment(address signer,bytes32 department,bytes32 parent,uint8 level,uint16 roles,bytes32 document,");
        _learn(module, 3, "EnrolKey(address signer,address key,bytes32 department,uint8 kind,uint8 duty,uint8 custody,bytes32 mandate,uint48 start,uint48 until,");
        _learn(module, 3, "RetireKey(address signer,address key,uint48 since,uint8 reason,bytes32 document,");
        module = address(datasets);
        _learn(module, 3, "SubmitDataset(address signer,bytes32 dataset,bytes32 department,uint8 shareType,uint8 grade,bytes32 basis,bytes32 conditions,bytes32 document,");
        _learn(module, 3, "WithdrawDataset(address signer,bytes32 dataset,bytes32 document,");
        _learn(module, 2, "PublishDataset(address signer,bytes32 dataset,bytes32 document,");
        _learn(module, 2, "ReturnDataset(address signer,bytes32 dataset,bytes32 document,");
        _learn(module, 1, "AnchorVersion(address signer,bytes32 dataset,uint32 number,bytes32 format,bool salted,bytes32 schema,bytes32 root,uint64 records,uint64 size,bytes32 twin,bytes32 document,");
        _learn(module, 1, "ShredVersion(address signer,bytes32 dataset,uint32 number,bool whole,bytes32 document,");
        module = address(authorisations);
        _learn(module, 2, "RequestShare(address signer,bytes32 consumer,bytes32 dataset,bytes32 revision,bytes32 scope,uint48 until,bytes32 document,");
        _learn(module, 2, "WithdrawRequest(address signer,bytes32 share,bytes32 document,");
        _learn(module, 1, "AskSupplement(address signer,bytes32 share,bytes32 document,");
        _learn(module, 1, "SupplyMaterials(address signer,bytes32 share,bytes32 document,");
        _learn(module, 2, "ExtendReply(address signer,bytes32 share,uint8 workingDays,bytes32 document,");
        _learn(module, 2, "AgreeShare(address signer,bytes32 share,bytes32 scope,bytes32 conditions,uint48 until,bytes32 document,");
        _learn(module, 2, "RefuseShare(address signer,bytes32 share,bytes32 document,");
        _learn(module, 1, "DeliverShare(address signer,bytes32 share,bytes32 version,uint8 method,bytes32 document,");
        _learn(module, 1, "ConfirmDelivery(address signer,bytes32 share,bytes32 document,");
        _learn(module, 2, "SuspendShare(address signer,bytes32 share,bytes32 document,");
        _learn(module, 2, "ResumeShare(address signer,bytes32 share,bytes32 document,");
        _learn(module, 2, "EndShare(address signer,bytes32 share,uint8 cause,bytes32 document,");
        _learn(module, 3, "GrantShare(address signer,bytes32 consumer,bytes32 dataset,bytes32 revision,bytes32 scope,bytes32 basis,uint48 until,bytes32 document,");
        module = address(attestations);
        _learn(module, 1, "AttestQuality(address signer,bytes32 rules,uint32 score,bool selfAttested,bytes32 document,");
        _learn(module, 1, "WithdrawAttestation(address signer,bytes32 attestation,bytes32 document,");
        _learn(module, 1, "RequestCorrection(address signer,bytes32 share,bytes32 document,");
        _learn(module, 2, "ResolveCorrection(address signer,bytes32 correction,uint8 outcome,bytes32 version,bytes32 document,");
        _learn(address(rulebook), 3, "PublishRule(address signer,bytes32 rule,uint8 kind,uint48 start,bytes32 document,");
        _learn(address(checkpoints), 1, "PublishCheckpoint(address signer,bytes32 log,uint64 size,bytes32 root,bytes32 state,");
        require(names.length == ACTS);
    }

    function _learn(address module, uint8 duty, string memory beginning) private {
        uint8 name = uint8(names.length);
        bytes memory encoded = bytes.concat(bytes(beginning), "bytes32 prior,uint48 validUntil)");
        Shape storage shape = shapes[name];
        (shape.module, shape.duty, shape.typeHash) = (module, duty, keccak256(encoded));
        uint256 i = _indexOf(encoded, 0, "(");
        names.push(string(_slice(encoded, 0, i)));
        bytes memory call_ = bytes.concat(_slice(encoded, 0, i), "(");
        call_[0] = bytes1(uint8(call_[0]) + 32); // the function's name begins in lower case
        while (i < encoded.length - 1) {
            uint256 space = _indexOf(encoded, i, " ");
            bytes memory type_ = _slice(encoded, i + 1, space);
            uint256 next = _endOfName(encoded, space);
            _places[name][_word(_slice(encoded, space + 1, next))] = shape.kinds.length + 1;
            shape.kinds.push(_kind(type_));
            call_ = bytes.concat(call_, encoded[i], type_);
            i = next;
        }
        shape.selector = bytes4(keccak256(bytes.concat(call_, "),bytes[])")));
    }

    // what an act says

    function _get(Act memory act, bytes32 field) internal view returns (bytes32) {
        return act.words[_places[act.name][field] - 1];
    }

    function _number(Act memory act, bytes32 field) internal view returns (uint256) {
        return uint256(_get(act, field));
    }

    function _address(Act memory act, bytes32 field) internal view returns (address) {
        return address(uint160(_number(act, field)));
    }

    function _set(Act memory act, bytes32 field, bytes32 value) internal view {
        act.words[_places[act.name][field] - 1] = value;
    }

    function _set(Act memory act, bytes32 field, uint256 value) internal view {
        _set(act, field, bytes32(value));
    }

    function _has(uint8 name, bytes32 field) internal view returns (bool) {
        return _places[name][field] != 0;
    }

    function _prior(Act memory act) internal pure returns (bytes32) {
        return act.words[act.words.length - 2];
    }

    function _digest(Act memory act, address module, uint256 chain) internal view returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("ShareLedger"),
                keccak256("1"),
                chain,
                module
            )
        );
        bytes32 struct_ = keccak256(abi.encodePacked(shapes[act.name].typeHash, act.words));
        return keccak256(abi.encodePacked(hex"1901", domain, struct_));
    }

    function _digest(Act memory act) internal view returns (bytes32) {
        return _digest(act, shapes[act.name].module, block.chainid);
    }

    function _calldata(Act memory act, bytes[] memory signatures) internal view returns (bytes memory) {
        bytes memory tail = abi.encode(signatures); // its first word is the offset, which the words before it move
        bytes memory rest = _slice(tail, 32, tail.length);
        return abi.encodePacked(shapes[act.name].selector, act.words, 32 * (act.words.length + 1), rest);
    }

    // text

    function _kind(bytes memory type_) private pure returns (bytes1) {
        if (type_[0] == "a") return "A";
        if (type_[0] == "b") return type_[1] == "y" ? bytes1("B") : bytes1("F");
        uint8 bits = uint8(type_[4]) - 48;
        return bytes1((type_.length == 6 ? bits * 10 + uint8(type_[5]) - 48 : bits) / 8);
    }

    function _word(bytes memory text) private pure returns (bytes32) {
        require(text.length <= 32);
        return bytes32(text);
    }

    function _endOfName(bytes memory text, uint256 from) private pure returns (uint256 i) {
        for (i = from; text[i] != "," && text[i] != ")"; i++) {}
    }

    function _indexOf(bytes memory text, uint256 from, bytes1 sign) private pure returns (uint256 i) {
        for (i = from; text[i] != sign; i++) {}
    }

    function _slice(bytes memory text, uint256 from, uint256 to) internal pure returns (bytes memory part) {
        part = new bytes(to - from);
        for (uint256 i = 0; i < part.length; i++) part[i] = text[from + i];
    }
}
