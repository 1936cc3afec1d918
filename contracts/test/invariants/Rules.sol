// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "./Acts.sol";
import {Permissions} from "./Permissions.sol";

/// What an act meets: whether its objects are where it may follow, and what it makes of them.
abstract contract Rules is Permissions {
    /// The `prior` that an act needs now; for one that may have any, the one given.
    function _due(Act memory act) internal view returns (bytes32) {
        uint8 name = act.name;
        if (name <= CLOSE_LEDGER) return lastOfJournal;
        if (name == CHANGE_DEPARTMENT) return tree[_get(act, "department")].last;
        if (name == RETIRE_KEY) return keys[_address(act, "key")].last;
        if (name == ANCHOR_VERSION || name == SHRED_VERSION) return catalogue[_get(act, "dataset")].line;
        if (name >= SUBMIT_DATASET && name <= RETURN_DATASET) return catalogue[_get(act, "dataset")].last;
        if (name >= WITHDRAW_REQUEST && name <= END_SHARE) return shares[_get(act, "share")].last;
        if (name == WITHDRAW_ATTESTATION) return attested[_get(act, "attestation")].last;
        if (name == RESOLVE_CORRECTION) return doubts[_get(act, "correction")].last;
        bytes32 home = keys[_address(act, "signer")].department;
        if (name == PUBLISH_RULE) return rules[home][_get(act, "rule")].last;
        if (name == PUBLISH_CHECKPOINT) return logs[home][_get(act, "log")].last;
        return _prior(act);
    }

    /// Whether the ledger as it stands has room for this act, whoever signs it.
    function _fits(Act memory act, bytes32 digest) internal view returns (bool) {
        if (closed || _prior(act) != _due(act)) return false;
        uint8 name = act.name;
        if (name <= CLOSE_LEDGER) return name == CLOSE_LEDGER || _admissible(_address(act, "module"), _get(act, "codeHash"));
        if (name <= CHANGE_DEPARTMENT) return _fitsTree(act);
        if (name == ENROL_KEY) return _fitsKey(act);
        if (name == RETIRE_KEY) return _fitsRetirement(act);
        if (name <= RETURN_DATASET) return _fitsDataset(act);
        if (name <= SHRED_VERSION) return _fitsVersion(act);
        if (name == REQUEST_SHARE || name == GRANT_SHARE) return _fitsOffer(act, digest);
        if (name < GRANT_SHARE) return _fitsShare(act);
        return _fitsBeside(act, digest);
    }

    function _admissible(address module, bytes32 codeHash) private view returns (bool) {
        for (uint8 name = 0; name < ACTS; name++) {
            if (shapes[name].module == module) return false;
        }
        return !admitted[module] && module != address(courier) && module.code.length != 0 && module.codehash == codeHash;
    }

    function _fitsTree(Act memory act) private view returns (bool) {
        bytes32 code = _get(act, "department");
        bytes32 parent = _get(act, "parent");
        (uint256 level, uint256 roles_) = (_number(act, "level"), _number(act, "roles"));
        if (level == 0 || level > 5 || level < tree[parent].level) return false;
        if (roles_ > 31 || (roles_ % 2 == 1 && level > 3)) return false;
        return act.name == REGISTER_DEPARTMENT ? _isCode(code) && !_exists(code) : !_within(parent, code);
    }

    function _fitsKey(Act memory act) private view returns (bool) {
        (uint256 start, uint256 until) = (_number(act, "start"), _number(act, "until"));
        (uint256 duty, uint256 kind) = (_number(act, "duty"), _number(act, "kind"));
        bool dates = until == 0 || (until > block.timestamp && until > start);
        bool keepsRoot = _get(act, "department") == ROOT && duty == 3 && until == 0;
        if (!dates || (keepsRoot && start > block.timestamp)) return false;
        if (duty < 1 || duty > 3 || kind < 1 || kind > 2) return false;
        if (_number(act, "custody") < 1 || _number(act, "custody") > 2) return false;
        address key = _address(act, "key");
        return key != address(0) && keys[key].kind == 0;
    }

    function _fitsRetirement(Act memory act) private view returns (bool) {
        Key storage key = keys[_address(act, "key")];
        if (key.retired || (_standing(key) && _standingKeys() == 1)) return false;
        uint256 reason = _number(act, "reason");
        return _number(act, "since") <= block.timestamp && reason >= 1 && reason <= 4;
    }

    function _fitsDataset(Act memory act) private view returns (bool) {
        Dataset storage dataset = catalogue[_get(act, "dataset")];
        if (act.name == WITHDRAW_DATASET) return dataset.pending != 0 || dataset.published != 0;
        if (act.name != SUBMIT_DATASET) return dataset.pending != 0;
        (uint256 type_, uint256 grade) = (_number(act, "shareType"), _number(act, "grade"));
        if (type_ < 1 || type_ > 3 || grade < 1 || grade > 5) return false;
        if (type_ == 2 && _get(act, "conditions") == 0) return false;
        if (type_ == 3 && _get(act, "basis") == 0) return false;
        return _isCode(_get(act, "dataset")) && _get(act, "document") != 0;
    }

    function _fitsVersion(Act memory act) private view returns (bool) {
        bytes32 code = _get(act, "dataset");
        Dataset storage dataset = catalogue[code];
        uint256 number = _number(act, "number");
        if (act.name == SHRED_VERSION) {
            bytes32 id = lines[code][number];
            return id != 0 && !versions[id].shredded;
        }
        return dataset.published != 0 && number == uint256(dataset.versions) + 1 && _get(act, "root") != 0
            && _isCode(_get(act, "format"));
    }

    function _fitsOffer(Act memory act, bytes32 digest) private view returns (bool) {
        Dataset storage dataset = catalogue[_get(act, "dataset")];
        bytes32 revision = _get(act, "revision");
        if (dataset.provider == _get(act, "consumer") || shares[digest].stage != 0) return false;
        if (revision == 0 || revision != dataset.published || revisions[revision] == 3) return false;
        if (act.name == GRANT_SHARE && _get(act, "basis") == 0) return false;
        return _number(act, "until") > block.timestamp && _get(act, "document") != 0;
    }

    function _fitsShare(Act memory act) private view returns (bool) {
        uint8 name = act.name;
        Share storage share = shares[_get(act, "share")];
        uint8 stage = share.stage;
        if (name == ASK_SUPPLEMENT) return stage == 1 && !share.asked;
        if (name == SUPPLY_MATERIALS) return stage == 2;
        if (name == CONFIRM_DELIVERY) return stage == 4;
        if (name == RESUME_SHARE) return share.suspendedBy != 0;
        if (name == WITHDRAW_REQUEST || name == EXTEND_REPLY || name == AGREE_SHARE || name == REFUSE_SHARE) {
            if (stage != 1 && stage != 2) return false;
            bool gone = catalogue[share.dataset].withdrawn;
            if (name == EXTEND_REPLY) return !share.extended;
            if (name == REFUSE_SHARE) return _get(act, "document") != 0 && (share.shareType != 1 || gone);
            uint256 until = name == AGREE_SHARE ? _number(act, "until") : share.until;
            return name == WITHDRAW_REQUEST || (!gone && until > block.timestamp && until <= share.until);
        }
        if (stage < 3 || stage > 5) return false;
        if (name == SUSPEND_SHARE) return share.suspendedBy == 0;
        if (name == END_SHARE) return _number(act, "cause") >= 1 && _number(act, "cause") <= 5;
        require(name == DELIVER_SHARE);
        Version storage version = versions[_get(act, "version")];
        uint256 method = _number(act, "method");
        return share.suspendedBy == 0 && block.timestamp <= share.until && version.dataset == share.dataset
            && !version.shredded && method >= 1 && method <= 4;
    }

    function _fitsBeside(Act memory act, bytes32 digest) private view returns (bool) {
        uint8 name = act.name;
        if (name == ATTEST_QUALITY) {
            return _number(act, "score") <= 1_000_000 && _get(act, "document") != 0 && attested[digest].attestor == 0;
        }
        if (name == WITHDRAW_ATTESTATION) return !attested[_get(act, "attestation")].withdrawn;
        if (name == REQUEST_CORRECTION) {
            Share storage share = shares[_get(act, "share")];
            return share.stage >= 3 && share.stage <= 5 && versions[_prior(act)].dataset == share.dataset
                && _get(act, "document") != 0 && doubts[digest].version == 0;
        }
        if (name == RESOLVE_CORRECTION) return _fitsAnswer(act);
        bytes32 home = keys[_address(act, "signer")].department;
        if (name == PUBLISH_RULE) {
            uint256 kind = _number(act, "kind");
            uint8 had = rules[home][_get(act, "rule")].kind;
            return kind >= 1 && kind <= 3 && (had == 0 || had == kind) && _get(act, "document") != 0
                && _isCode(_get(act, "rule"));
        }
        require(name == PUBLISH_CHECKPOINT);
        bytes32 log = _get(act, "log");
        return _isCode(log) && _number(act, "size") > logs[home][log].size && _get(act, "root") != 0;
    }

    function _fitsAnswer(Act memory act) private view returns (bool) {
        Correction storage doubt = doubts[_get(act, "correction")];
        uint256 outcome = _number(act, "outcome");
        bytes32 better = _get(act, "version");
        if (doubt.outcome != 0 || outcome < 1 || outcome > 2) return false;
        return better == 0 || versions[better].dataset == versions[doubt.version].dataset;
    }
}
