// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "./Acts.sol";
import {vm} from "../lib/Vm.sol";
import {Draws} from "./Draws.sol";

/// Calls every act, sensibly or not, and holds what the contracts do against the model, call by call.
abstract contract Acting is Draws {
    uint256 internal constant START = 1_900_000_000;
    uint256 internal constant LATE = 500;
    bytes32 internal constant RECORDED = keccak256("Recorded(uint256,address,bytes32,bytes32,uint48,bytes[])");

    struct Signing {
        Act act;
        bytes[] signatures;
        bool good; // whether the signatures are those that the act needs
    }

    bytes32 public head; // recomputed here from what was accepted
    uint256 public size;
    mapping(bytes32 digest => bool) internal recorded;
    uint256[ACTS] public calls;
    uint256[ACTS] public accepted;
    uint256[ACTS] public met; // which keys, as bits: see _note
    uint256[ACTS] public stages; // which stages of a share, as bits
    uint256 public depth; // acts tried so far

    /// @param settled whether the ledger has a tree, keys and datasets already, or nothing but its root.
    constructor(bool settled) {
        vm.warp(START);
        _gather();
        (address first, address second) = (hands[0], hands[1]);
        _open(_place, first, second);
        _learnActs();
        _opened(first, second);
        bytes[] memory nobody = new bytes[](0);
        head = keccak256(abi.encode("ShareLedger", block.chainid, journal));
        _chain(address(journal), journal.opening(), nobody);
        if (settled) _settle();
    }

    function _place(uint256 number) private view returns (address) {
        return vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + number);
    }

    /// A tree with keys of every duty, so that the first calls have something to work with.
    function _settle() private {
        _shuffle(uint256(keccak256("settle")));
        for (uint256 round = 0; round < 60; round++) {
            _do(REGISTER_DEPARTMENT, true);
            if (codes.length >= 9) break;
        }
        for (uint256 round = 0; round < 150 && enrolled.length < 34; round++) _do(ENROL_KEY, true);
        for (uint256 round = 0; round < 120; round++) {
            _do(uint8(SUBMIT_DATASET + _below(5)), true);
        }
        delete calls;
        delete accepted;
        delete met;
        delete stages;
        depth = 0;
    }

    // one act

    function _do(uint8 name, bool sensible) internal {
        _bring(_signed(name, sensible));
    }

    /// Sensible; or by the same key about another object, by any key, or with something else at random in it.
    function _signed(uint8 name, bool sensible) internal returns (Signing memory made) {
        Act memory act = _blank(name);
        bytes32 home = _draw(act);
        uint256 way = sensible ? 0 : 1 + _below(3);
        bool any = way == 2 || (way == 3 && _percent(50));
        _set(act, "signer", uint160(any ? _anyKey() : _keyOf(home, shapes[name].duty)));
        _set(act, "validUntil", block.timestamp + _below(1000));
        if (way == 1) _exchange(act);
        if (name != ATTEST_QUALITY && name != REQUEST_CORRECTION) act.words[act.words.length - 2] = _due(act);
        if (way == 3 && _percent(75)) _spoil(act);
        made.act = act;
        (made.signatures, made.good) = _signatures(act, way == 3 && _percent(50) ? 1 + _below(7) : 0);
    }

    /// The same about another object, of the same sort: whether the signer may is to be another matter.
    function _exchange(Act memory act) private {
        uint8 name = act.name;
        if (_has(name, "share")) _set(act, "share", _recent(shareIds, 20));
        if (_has(name, "dataset") && _percent(70)) _set(act, "dataset", _one(datasetCodes));
        if (_has(name, "department") && name != REGISTER_DEPARTMENT) _set(act, "department", _beyond(act));
        if (_has(name, "parent") && (name == REGISTER_DEPARTMENT || _percent(30))) _set(act, "parent", _beyond(act));
        if (_has(name, "consumer") && _percent(60)) _set(act, "consumer", _one(codes));
        if (_has(name, "attestation")) _set(act, "attestation", _one(attestationIds));
        if (_has(name, "correction")) _set(act, "correction", _one(correctionIds));
        if (_has(name, "version")) _set(act, "version", _recent(versionIds, 12));
        if (name == RETIRE_KEY) _set(act, "key", uint160(enrolled[_below(enrolled.length)]));
        if (name == ATTEST_QUALITY || name == REQUEST_CORRECTION) act.words[act.words.length - 2] = _recent(versionIds, 12);
    }

    /// Any department, sooner one that is out of the signer's reach.
    function _beyond(Act memory act) private returns (bytes32 code) {
        bytes32 home = keys[_address(act, "signer")].department;
        for (uint256 i = 0; i < 5; i++) {
            code = _one(codes);
            if (!_within(code, home)) return code;
        }
    }

    /// One field at random: its signer keeps signing, so only right, role and state are at stake.
    function _spoil(Act memory act) private {
        uint256 place = 1 + _below(act.words.length - 1);
        act.words[place] = _any(shapes[act.name].kinds[place]);
    }

    /// Good ones, or wrong in one of seven ways.
    function _signatures(Act memory act, uint256 wrong) private returns (bytes[] memory made, bool good) {
        address signer = _address(act, "signer");
        bytes32 digest = _digest(act);
        bool two = act.name == ENROL_KEY;
        good = wrong == 0 && _signs(signer, keys[signer].kind);
        if (two) good = good && _signs(_address(act, "key"), _number(act, "kind"));
        made = new bytes[](two ? 2 : 1);
        if (wrong == 1) made = new bytes[](made.length + 1);
        if (wrong == 2) digest = _digest(act, shapes[(act.name + 13) % ACTS].module, block.chainid); // always another one
        if (wrong == 3) digest = _digest(act, shapes[act.name].module, block.chainid + 1);
        if (wrong == 4) digest = bytes32(_random());
        for (uint256 i = 0; i < made.length; i++) {
            made[i] = _sign(i == 1 && two ? _address(act, "key") : signer, digest);
        }
        if (wrong == 5) made[0] = _sign(_other(signer), digest);
        if (wrong == 6) made[0][63] ^= 0x01;
        if (wrong == 7) made[0] = new bytes(_below(200));
    }

    function _other(address signer) private returns (address other) {
        do other = hands[_below(hands.length)]; while (other == signer);
    }

    function _allowed(Signing memory made) internal view returns (bool) {
        Act memory act = made.act;
        bool fresh = block.timestamp <= _number(act, "validUntil");
        return made.good && fresh && _permitted(act) && _fits(act, _digest(act));
    }

    function _bring(Signing memory made) internal {
        _note(made.act);
        bool expected = _allowed(made);
        (bool done,) = shapes[made.act.name].module.call(_calldata(made.act, made.signatures));
        if (done && !expected) revert(string.concat(names[made.act.name], " was accepted, and may not be"));
        if (expected && !done) revert(string.concat(names[made.act.name], " was refused, and is allowed"));
        if (done) _accept(made);
    }

    function _accept(Signing memory made) internal {
        bytes32 digest = _digest(made.act);
        accepted[made.act.name]++;
        _chain(shapes[made.act.name].module, digest, made.signatures);
        _remember(made.act, digest);
    }

    function _chain(address module, bytes32 digest, bytes[] memory signatures) internal {
        require(!recorded[digest], "a digest was recorded twice");
        recorded[digest] = true;
        head = keccak256(abi.encode(head, size, module, digest, keccak256(abi.encode(signatures)), block.timestamp));
        size++;
    }

    /// Which key tried which act, and on a share of which stage.
    function _note(Act memory act) internal {
        depth++;
        calls[act.name]++;
        Key storage key = keys[_address(act, "signer")];
        uint256 condition = 0; // unknown
        if (key.kind != 0) {
            uint256 when = key.retired ? 3 : block.timestamp < key.start ? 1 : _inForce(key) ? 0 : 2;
            condition = 1 + when * 3 + key.duty - 1;
        }
        uint256 roles_ = tree[key.department].roles;
        uint256 bits = 1 << (condition * 6 + 5); // 13 conditions, and in each: five roles, and any
        for (uint256 role = 0; role < 5; role++) {
            if (roles_ & (1 << role) != 0) bits |= 1 << (condition * 6 + role);
        }
        met[act.name] |= bits;
        if (_has(act.name, "share")) stages[act.name] |= 1 << shares[_get(act, "share")].stage;
    }
}
