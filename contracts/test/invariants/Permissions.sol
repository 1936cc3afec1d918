// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {
    ANCHOR_VERSION,
    ASK_SUPPLEMENT,
    ATTEST_QUALITY,
    AGREE_SHARE,
    Act,
    CHANGE_DEPARTMENT,
    CLOSE_LEDGER,
    CONFIRM_DELIVERY,
    DELIVER_SHARE,
    END_SHARE,
    ENROL_KEY,
    EXTEND_REPLY,
    GRANT_SHARE,
    PUBLISH_CHECKPOINT,
    PUBLISH_DATASET,
    PUBLISH_RULE,
    REFUSE_SHARE,
    REGISTER_DEPARTMENT,
    REQUEST_CORRECTION,
    REQUEST_SHARE,
    RESOLVE_CORRECTION,
    RESUME_SHARE,
    RETIRE_KEY,
    RETURN_DATASET,
    SHRED_VERSION,
    SUBMIT_DATASET,
    SUPPLY_MATERIALS,
    SUSPEND_SHARE,
    WITHDRAW_ATTESTATION,
    WITHDRAW_DATASET,
    WITHDRAW_REQUEST
} from "./Acts.sol";
import {ATTESTOR, AUTHORITY, CONSUMER, Model, PROVIDER} from "./Model.sol";

/// Who may do what, from the design's table and not from the contracts.
abstract contract Permissions is Model {
    /// The key is in force and of the act's duty, and its department may do this to these objects.
    function _permitted(Act memory act) internal view returns (bool) {
        Key storage key = keys[_address(act, "signer")];
        return _inForce(key) && key.duty >= shapes[act.name].duty && _mayDo(act, key.department);
    }

    function _mayDo(Act memory act, bytes32 home) private view returns (bool) {
        uint8 name = act.name;
        if (name <= CLOSE_LEDGER) return home == ROOT;
        if (name <= RETIRE_KEY) return _mayInTree(act, home);
        if (name <= SHRED_VERSION) return _mayWithDataset(act, home);
        if (name == REQUEST_SHARE) {
            return _plays(home, CONSUMER) && _get(act, "consumer") == home && _isOffered(_get(act, "dataset"));
        }
        if (name == GRANT_SHARE) {
            bytes32 dataset = _get(act, "dataset");
            return _isOffered(dataset) && _over(home, catalogue[dataset].provider)
                && _plays(_get(act, "consumer"), CONSUMER);
        }
        if (name < GRANT_SHARE) return _mayWithShare(act, home);
        return _mayBeside(act, home);
    }

    function _mayInTree(Act memory act, bytes32 home) private view returns (bool) {
        bytes32 about = act.name == RETIRE_KEY ? keys[_address(act, "key")].department : _get(act, "department");
        bool authority = _plays(home, AUTHORITY);
        if (act.name == ENROL_KEY || act.name == RETIRE_KEY) {
            return _exists(about) && (about == home || (authority && _below(about, home)));
        }
        bytes32 parent = _get(act, "parent");
        bool inside = authority && _exists(parent) && _within(parent, home);
        if (act.name == REGISTER_DEPARTMENT) return inside;
        require(act.name == CHANGE_DEPARTMENT);
        return inside && _exists(about) && _below(about, home);
    }

    function _mayWithDataset(Act memory act, bytes32 home) private view returns (bool) {
        bytes32 provider = catalogue[_get(act, "dataset")].provider;
        if (act.name == SUBMIT_DATASET) {
            bool free = provider == 0 || provider == home;
            return free && _plays(home, PROVIDER) && _get(act, "department") == home;
        }
        if (act.name == PUBLISH_DATASET || act.name == RETURN_DATASET) return provider != 0 && _over(home, provider);
        require(act.name == WITHDRAW_DATASET || act.name == ANCHOR_VERSION || act.name == SHRED_VERSION);
        return provider == home;
    }

    function _mayWithShare(Act memory act, bytes32 home) private view returns (bool) {
        uint8 name = act.name;
        Share storage share = shares[_get(act, "share")];
        if (share.stage == 0) return false;
        bytes32 provider = catalogue[share.dataset].provider;
        if (name == WITHDRAW_REQUEST || name == SUPPLY_MATERIALS || name == CONFIRM_DELIVERY) {
            return home == share.consumer;
        }
        if (name == ASK_SUPPLEMENT || name == AGREE_SHARE || name == REFUSE_SHARE || name == DELIVER_SHARE) {
            return home == provider;
        }
        if (name == EXTEND_REPLY) return _over(home, provider);
        bool party = home == provider || _over(home, provider);
        if (name == SUSPEND_SHARE) return party;
        if (name == END_SHARE) return party || home == share.consumer;
        require(name == RESUME_SHARE);
        bytes32 by = share.suspendedBy;
        if (by == 0) return false;
        if (by == provider) return party;
        return home == by || (_plays(home, AUTHORITY) && _below(by, home));
    }

    /// Attestations, corrections, rules, checkpoints.
    function _mayBeside(Act memory act, bytes32 home) private view returns (bool) {
        if (act.name == PUBLISH_CHECKPOINT) return true;
        if (act.name == PUBLISH_RULE) return _plays(home, AUTHORITY);
        if (act.name == WITHDRAW_ATTESTATION) return attested[_get(act, "attestation")].attestor == home;
        if (act.name == REQUEST_CORRECTION) return shares[_get(act, "share")].consumer == home;
        if (act.name == RESOLVE_CORRECTION) return _providerOf(doubts[_get(act, "correction")].version) == home;
        require(act.name == ATTEST_QUALITY);
        bytes32 provider = _providerOf(_prior(act));
        bool own = _get(act, "selfAttested") != 0;
        return provider != 0 && own == (provider == home) && (own || _plays(home, ATTESTOR));
    }

    function _isOffered(bytes32 dataset) private view returns (bool) {
        return catalogue[dataset].provider != 0;
    }

    function _providerOf(bytes32 version) private view returns (bytes32) {
        return catalogue[versions[version].dataset].provider;
    }
}
