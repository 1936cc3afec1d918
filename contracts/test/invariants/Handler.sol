// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "./Acts.sol";
import {ICourier} from "../../src/interfaces/ICourier.sol";
import {IDepartments} from "../../src/interfaces/IDepartments.sol";
import {IJournal} from "../../src/interfaces/IJournal.sol";
import {Vm, vm} from "../lib/Vm.sol";
import {Later, Wallet} from "./Cast.sol";
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

/// One call of the fuzzer each: an act, a batch, a stranger, or time.
contract Handler is Acting {
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

    /// All that the contracts say of departments and keys that are not in a subtree.
    function _outside(bytes32 top) private view returns (bytes32 hash) {
        for (uint256 i = 0; i < codes.length; i++) {
            if (!_within(codes[i], top)) hash = keccak256(abi.encode(hash, departments.departmentOf(codes[i])));
        }
        for (uint256 i = 0; i < hands.length; i++) {
            IDepartments.Key memory key = departments.keyOf(hands[i]);
            if (key.kind != 0 && !_within(key.department, top)) hash = keccak256(abi.encode(hash, hands[i], key));
        }
    }

    // what must hold, whatever was called

    function checkIndexAndHead() external view {
        (bytes32 found, uint256 entries, bool over) = journal.tip();
        require(entries == size, "the index has a gap");
        require(found == head, "the head is not that of the entries");
        require(over == closed, "closed and open differ");
    }

    /// Asked whenever departments or keys changed. Every department hangs on the root, in a tree without cycles, and its authority is the one that the model finds.
    function checkTree() public view {
        for (uint256 i = 1; i < codes.length; i++) {
            bytes32 code = codes[i];
            uint256 steps = 0;
            bytes32 above = code;
            for (; above != ROOT && steps <= codes.length; steps++) above = departments.departmentOf(above).parent;
            require(above == ROOT, "a department left the tree");
            bytes32 nearest = tree[code].parent;
            while (nearest != ROOT && !_plays(nearest, 1)) nearest = tree[nearest].parent;
            require(departments.nearestAuthority(code) == nearest, "another authority than the nearest");
        }
    }

    /// The same. The root is in hands that can sign now, not only some day, and whose keys do not end by themselves.
    function checkRoot() public view {
        uint256 able = 0;
        for (uint256 i = 0; i < staff[ROOT].length; i++) {
            address key = staff[ROOT][i];
            if (!_standing(keys[key])) continue;
            (bytes32 home,,) = departments.authorise(key, 3);
            require(home == ROOT);
            able++;
        }
        require(able > 0, "the root has locked itself out");
        require(departments.rootKeys() == able, "the root's keys are miscounted");
    }
}
