// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "./Acts.sol";
import {Cast} from "./Cast.sol";
import {ATTESTOR, AUTHORITY, CONSUMER, PROVIDER} from "./Model.sol";

/// Acts that should be accepted, as far as the ledger allows one: who signs, about what, saying what. They only aim.
abstract contract Draws is Cast {
    uint256 private constant TREE_MAX = 22;

    /// The act's own fields, sensibly; answers the department that may sign it, or 0 if there is nothing to do.
    function _draw(Act memory act) internal returns (bytes32 home) {
        uint8 name = act.name;
        if (_has(name, "document")) _set(act, "document", _random());
        if (name <= CLOSE_LEDGER) home = _drawModule(act);
        else if (name <= CHANGE_DEPARTMENT) home = _drawTree(act);
        else if (name <= RETIRE_KEY) home = name == ENROL_KEY ? _drawKey(act) : _drawRetirement(act);
        else if (name <= SHRED_VERSION) home = _drawDataset(act);
        else if (name == REQUEST_SHARE || name == GRANT_SHARE) home = _drawOffer(act);
        else if (name < GRANT_SHARE) home = _drawShare(act);
        else home = _drawBeside(act);
    }

    /// A key in force of that department and at least of that duty, or any of its keys, or none.
    function _keyOf(bytes32 home, uint8 duty) internal returns (address found) {
        address[] storage own = staff[home];
        uint256 from = own.length == 0 ? 0 : _below(own.length);
        for (uint256 i = 0; i < own.length; i++) {
            address key = own[(from + i) % own.length];
            found = key;
            if (keys[key].duty >= duty && _inForce(keys[key]) && _signs(key, keys[key].kind)) return key;
        }
    }

    // whom to choose

    function _department(uint256 role, uint8 duty) private returns (bytes32 code) {
        uint256 from = _below(codes.length);
        for (uint256 i = 0; i < codes.length; i++) {
            code = codes[(from + i) % codes.length];
            if (_plays(code, role) && (_percent(10) || _able(code, duty))) return code;
        }
    }

    function _able(bytes32 code, uint8 duty) private returns (bool) {
        address key = _keyOf(code, duty);
        return key != address(0) && keys[key].duty >= duty && _inForce(keys[key]);
    }

    function _anyAble(uint256 role, uint8 duty) private returns (bool) {
        for (uint256 i = 0; i < codes.length; i++) {
            if (_plays(codes[i], role) && _able(codes[i], duty)) return true;
        }
        return false;
    }

    /// An authority above, the root of itself.
    function _authorityOver(bytes32 code) private returns (bytes32 above) {
        if (code == ROOT) return ROOT;
        for (above = tree[code].parent; above != ROOT && above != 0; above = tree[above].parent) {
            if (_plays(above, AUTHORITY) && (_percent(10) || (_percent(60) && _able(above, 3)))) return above;
        }
    }

    function _inside(bytes32 top) private returns (bytes32 code) {
        for (uint256 i = 0; i < 8; i++) {
            code = _one(codes);
            if (_within(code, top)) return code;
        }
        return top;
    }

    // the ledger and the tree

    function _drawModule(Act memory act) private returns (bytes32) {
        if (act.name == ADMIT_MODULE) {
            address module = later[_below(LATER)];
            _set(act, "module", uint160(module));
            _set(act, "codeHash", module.codehash);
        }
        return ROOT;
    }

    function _drawTree(Act memory act) private returns (bytes32 authority) {
        authority = _department(AUTHORITY, 3);
        bytes32 parent = _inside(authority);
        bytes32 code = bytes32(abi.encodePacked("D", bytes1(uint8(65 + codes.length / 26)), bytes1(uint8(65 + codes.length % 26))));
        if (act.name == CHANGE_DEPARTMENT) code = _inside(authority);
        else if (codes.length >= TREE_MAX) return 0;
        _set(act, "department", code);
        _set(act, "parent", parent);
        uint256 level = tree[parent].level + (tree[parent].level < 5 ? _below(2) : 0);
        _set(act, "level", level);
        uint256 roles_ = _below(32) | (_percent(50) ? PROVIDER | CONSUMER : ATTESTOR);
        _set(act, "roles", level > 3 ? roles_ & 30 : roles_);
    }

    function _drawKey(Act memory act) private returns (bytes32) {
        address key = hands[_below(hands.length)];
        for (uint256 i = 0; i < hands.length && keys[key].kind != 0; i++) key = hands[_below(hands.length)];
        bytes32 code = _percent(60) ? _leastKeys() : _one(codes);
        _set(act, "key", uint160(key));
        _set(act, "department", code);
        _set(act, "kind", _isWallet(key) ? 2 : 1);
        _set(act, "duty", _able(code, 3) || _percent(20) ? 1 + _below(3) : 3);
        _set(act, "custody", 1 + _below(2));
        uint256 start = _percent(75) ? 0 : block.timestamp + _below(3000);
        _set(act, "start", start);
        _set(act, "until", _percent(60) ? 0 : (start == 0 ? block.timestamp : start) + 1 + _below(6000));
        return _percent(50) ? _authorityOver(code) : code;
    }

    function _leastKeys() private returns (bytes32 least) {
        uint256 fewest = type(uint256).max;
        uint256 from = _below(codes.length);
        for (uint256 i = 0; i < codes.length; i++) {
            bytes32 code = codes[(from + i) % codes.length];
            uint256 count = 0;
            address[] storage own = staff[code];
            for (uint256 j = 0; j < own.length; j++) {
                if (_inForce(keys[own[j]])) count++;
            }
            if (count < fewest) (fewest, least) = (count, code);
        }
    }

    function _drawRetirement(Act memory act) private returns (bytes32) {
        address key = enrolled[_below(enrolled.length)];
        // Directors stay, mostly: without them nothing more could be done with a department.
        for (uint256 i = 0; i < 6 && (keys[key].retired || (keys[key].duty == 3 && _percent(90))); i++) {
            key = enrolled[_below(enrolled.length)];
        }
        bytes32 code = keys[key].department;
        _set(act, "key", uint160(key));
        _set(act, "since", block.timestamp - _below(100));
        _set(act, "reason", 1 + _below(4));
        return _percent(50) ? _authorityOver(code) : code;
    }

    // datasets

    function _drawDataset(Act memory act) private returns (bytes32) {
        uint8 name = act.name;
        if (name == SUBMIT_DATASET) return _drawSubmission(act);
        bytes32 code = _percent(85) ? _readySet(name) : bytes32(0);
        if (code == 0) code = _one(datasetCodes);
        if (code == 0) return 0;
        Dataset storage dataset = catalogue[code];
        _set(act, "dataset", code);
        if (name == PUBLISH_DATASET || name == RETURN_DATASET) return _authorityOver(dataset.provider);
        if (name == ANCHOR_VERSION) {
            _set(act, "number", uint256(dataset.versions) + 1);
            _set(act, "format", "share-record/1");
            _set(act, "root", _random());
        } else if (name == SHRED_VERSION) {
            _set(act, "number", 1 + _below(dataset.versions + 1));
            _set(act, "whole", _percent(40) ? 1 : 0);
        }
        return dataset.provider;
    }

    function _ready(uint8 name, bytes32 code) private view returns (bool) {
        Dataset storage dataset = catalogue[code];
        if (name == PUBLISH_DATASET || name == RETURN_DATASET) return dataset.pending != 0;
        if (name == SHRED_VERSION) return dataset.versions != 0;
        if (name == REQUEST_SHARE || name == GRANT_SHARE) return dataset.published != 0 && revisions[dataset.published] != 3;
        return dataset.published != 0;
    }

    /// What has to happen before such an act has a place, or ACTS if nothing has.
    function _before(uint8 name) internal returns (uint8) {
        if (name == REGISTER_DEPARTMENT) return ACTS;
        if (codes.length < 5) return REGISTER_DEPARTMENT;
        if (name == SUBMIT_DATASET) return _anyAble(PROVIDER, 3) ? ACTS : ENROL_KEY;
        if (name == PUBLISH_DATASET || name == RETURN_DATASET) return _readySet(name) == 0 ? SUBMIT_DATASET : ACTS;
        if (name == SHRED_VERSION) return _readySet(name) == 0 ? ANCHOR_VERSION : ACTS;
        if (name == ANCHOR_VERSION || name == WITHDRAW_DATASET || name == REQUEST_SHARE || name == GRANT_SHARE) {
            return _readySet(name) == 0 ? PUBLISH_DATASET : ACTS;
        }
        if (name < WITHDRAW_REQUEST || (name > END_SHARE && name != REQUEST_CORRECTION)) return ACTS;
        if (_movableShare(name) != 0) return ACTS;
        if (name == SUPPLY_MATERIALS) return ASK_SUPPLEMENT;
        if (name == CONFIRM_DELIVERY) return DELIVER_SHARE;
        if (name == RESUME_SHARE) return SUSPEND_SHARE;
        if (name == DELIVER_SHARE) return _percent(70) ? AGREE_SHARE : GRANT_SHARE;
        if (name == SUSPEND_SHARE || name == END_SHARE) return GRANT_SHARE;
        return REQUEST_SHARE;
    }

    function _drawSubmission(Act memory act) private returns (bytes32 home) {
        bytes32 code = _one(datasetCodes);
        home = catalogue[code].provider;
        if (datasetCodes.length < 12 && (_percent(40) || !_able(home, 3))) {
            code = bytes32(abi.encodePacked("set/", bytes1(uint8(65 + datasetCodes.length))));
            home = _department(PROVIDER, 3);
        }
        _set(act, "dataset", code);
        _set(act, "department", home);
        uint256 type_ = _percent(10) ? 3 : 1 + _below(2);
        _set(act, "shareType", type_);
        _set(act, "grade", 1 + _below(5));
        _set(act, "basis", _random());
        _set(act, "conditions", _random());
    }

    // shares

    function _drawOffer(Act memory act) private returns (bytes32) {
        bytes32 code = _readySet(REQUEST_SHARE);
        bytes32 consumer = _department(CONSUMER, 2);
        _set(act, "dataset", code);
        _set(act, "consumer", consumer);
        _set(act, "revision", catalogue[code].published);
        _set(act, "until", block.timestamp + 1 + _below(20000));
        if (act.name == REQUEST_SHARE) return consumer;
        _set(act, "basis", _random());
        return catalogue[code].provider == 0 ? bytes32(0) : _authorityOver(catalogue[code].provider);
    }

    function _drawShare(Act memory act) private returns (bytes32) {
        uint8 name = act.name;
        bytes32 id = _percent(85) ? _movableShare(name) : bytes32(0);
        if (id == 0) id = _one(shareIds);
        if (id == 0) return 0;
        Share storage share = shares[id];
        bytes32 provider = catalogue[share.dataset].provider;
        _set(act, "share", id);
        if (name == AGREE_SHARE) _set(act, "until", _percent(80) ? share.until : share.until - _below(50));
        if (name == END_SHARE) _set(act, "cause", 1 + _below(5));
        if (name == DELIVER_SHARE) {
            bytes32 line = share.dataset;
            _set(act, "version", lines[line][1 + _below(uint256(catalogue[line].versions) + 1)]);
            _set(act, "method", 1 + _below(4));
        }
        if (name == WITHDRAW_REQUEST || name == SUPPLY_MATERIALS || name == CONFIRM_DELIVERY) return share.consumer;
        if (name == EXTEND_REPLY) return _authorityOver(provider);
        if (name == END_SHARE && _percent(30)) return share.consumer;
        if (name == RESUME_SHARE && share.suspendedBy != provider) {
            return _percent(70) ? share.suspendedBy : _authorityOver(share.suspendedBy);
        }
        bool above = name == SUSPEND_SHARE || name == RESUME_SHARE || name == END_SHARE;
        return above && _percent(50) ? _authorityOver(provider) : provider;
    }

    /// One that such an act could move on, or 0.
    function _movableShare(uint8 name) internal returns (bytes32 id) {
        uint256 count = shareIds.length < 30 ? shareIds.length : 30;
        uint256 from = count == 0 ? 0 : _below(count);
        for (uint256 i = 0; i < count; i++) {
            id = shareIds[shareIds.length - 1 - (from + i) % count];
            if (_movable(name, shares[id])) return id;
        }
        return 0;
    }

    function _readySet(uint8 name) internal returns (bytes32 code) {
        uint256 from = datasetCodes.length == 0 ? 0 : _below(datasetCodes.length);
        for (uint256 i = 0; i < datasetCodes.length; i++) {
            code = datasetCodes[(from + i) % datasetCodes.length];
            if (_ready(name, code)) return code;
        }
        return 0;
    }

    function _movable(uint8 name, Share storage share) private view returns (bool) {
        uint8 stage = share.stage;
        if (name == ASK_SUPPLEMENT) return stage == 1 && !share.asked;
        if (name == SUPPLY_MATERIALS) return stage == 2;
        if (name == CONFIRM_DELIVERY) return stage == 4;
        if (name == RESUME_SHARE) return share.suspendedBy != 0;
        if (name == REFUSE_SHARE) return (stage == 1 || stage == 2) && share.shareType == 2;
        if (name == EXTEND_REPLY) return (stage == 1 || stage == 2) && !share.extended;
        if (name <= REFUSE_SHARE) return stage == 1 || stage == 2;
        bool runs = stage >= 3 && stage <= 5 && share.suspendedBy == 0;
        return runs && (name != DELIVER_SHARE || catalogue[share.dataset].versions != 0);
    }

    // beside

    function _drawBeside(Act memory act) private returns (bytes32 home) {
        uint8 name = act.name;
        if (name == PUBLISH_CHECKPOINT) {
            home = _one(codes);
            _set(act, "log", _percent(50) ? bytes32("use") : bytes32("api/1"));
            uint256 had = logs[home][_get(act, "log")].size;
            _set(act, "size", had > type(uint64).max - 9 ? had : had + 1 + _below(9));
            _set(act, "root", _random());
        } else if (name == PUBLISH_RULE) {
            home = _department(AUTHORITY, 3);
            _set(act, "rule", _percent(50) ? bytes32("calendar") : bytes32("profile"));
            uint8 kind = rules[home][_get(act, "rule")].kind;
            _set(act, "kind", kind == 0 ? 1 + _below(3) : kind);
        } else if (name == ATTEST_QUALITY) {
            bytes32 version = _recent(versionIds, 12);
            bytes32 provider = catalogue[versions[version].dataset].provider;
            home = _percent(30) ? provider : _department(ATTESTOR, 1);
            act.words[act.words.length - 2] = version;
            _set(act, "score", _below(1_000_001));
            _set(act, "selfAttested", home == provider ? 1 : 0);
        } else if (name == WITHDRAW_ATTESTATION) {
            bytes32 id = _recent(attestationIds, 6);
            _set(act, "attestation", id);
            home = attested[id].attestor;
        } else if (name == REQUEST_CORRECTION) {
            home = _drawDoubt(act);
        } else {
            bytes32 id = _recent(correctionIds, 6);
            _set(act, "correction", id);
            _set(act, "outcome", 1 + _below(2));
            bytes32 line = versions[doubts[id].version].dataset;
            _set(act, "version", lines[line][_below(uint256(catalogue[line].versions) + 1)]);
            home = catalogue[line].provider;
        }
    }

    function _drawDoubt(Act memory act) private returns (bytes32) {
        bytes32 id = _movableShare(DELIVER_SHARE);
        bytes32 line = shares[id].dataset;
        _set(act, "share", id);
        act.words[act.words.length - 2] = lines[line][1 + _below(uint256(catalogue[line].versions) + 1)];
        return shares[id].consumer;
    }
}
