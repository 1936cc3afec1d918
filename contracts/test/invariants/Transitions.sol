// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "./Acts.sol";
import {IAuthorisations} from "../../src/interfaces/IAuthorisations.sol";
import {IDatasets} from "../../src/interfaces/IDatasets.sol";
import {IDepartments} from "../../src/interfaces/IDepartments.sol";
import {Rules} from "./Rules.sol";

/// What an accepted act changes in the model, and whether the contracts show the same afterwards.
abstract contract Transitions is Rules {
    bool internal comparing = true; // not while a batch is put together, which happens to the contracts at once

    function _remember(Act memory act, bytes32 digest) internal {
        uint8 name = act.name;
        if (name <= CLOSE_LEDGER) _rememberModule(act, digest);
        else if (name <= RETIRE_KEY) _rememberTree(act, digest);
        else if (name <= SHRED_VERSION) _rememberDataset(act, digest);
        else if (name == REQUEST_SHARE || name == GRANT_SHARE) _rememberOffer(act, digest);
        else if (name < GRANT_SHARE) _rememberShare(act, digest);
        else _rememberBeside(act, digest);
    }

    function _rememberModule(Act memory act, bytes32 digest) private {
        lastOfJournal = digest;
        if (act.name == CLOSE_LEDGER) closed = true;
        else admitted[_address(act, "module")] = true;
        if (comparing) require(journal.last() == digest && journal.closed() == closed, "Journal and model differ");
    }

    function _rememberTree(Act memory act, bytes32 digest) private {
        if (act.name <= CHANGE_DEPARTMENT) {
            bytes32 code = _get(act, "department");
            if (!_exists(code)) codes.push(code);
            (uint8 level, uint16 roles_) = (uint8(_number(act, "level")), uint16(_number(act, "roles")));
            tree[code] = Department(_get(act, "parent"), digest, level, roles_);
            if (!comparing) return;
            IDepartments.Department memory found = departments.departmentOf(code);
            bool same = found.parent == _get(act, "parent") && found.level == level && found.roles == roles_;
            require(same && found.last == digest, "Departments and model differ");
            return;
        }
        address address_ = _address(act, "key");
        Key storage key = keys[address_];
        if (act.name == ENROL_KEY) {
            enrolled.push(address_);
            staff[_get(act, "department")].push(address_);
            key.department = _get(act, "department");
            (key.kind, key.duty) = (uint8(_number(act, "kind")), uint8(_number(act, "duty")));
            (key.start, key.until) = (uint48(_number(act, "start")), uint48(_number(act, "until")));
        } else {
            key.retired = true;
        }
        key.last = digest;
        if (!comparing) return;
        IDepartments.Key memory shown = departments.keyOf(address_);
        bool alike = shown.department == key.department && shown.duty == key.duty && shown.kind == key.kind
            && shown.start == key.start && shown.until == key.until && (shown.retired != 0) == key.retired;
        require(alike && shown.last == digest, "Departments and model differ");
    }

    function _rememberDataset(Act memory act, bytes32 digest) private {
        bytes32 code = _get(act, "dataset");
        Dataset storage dataset = catalogue[code];
        if (act.name == ANCHOR_VERSION || act.name == SHRED_VERSION) {
            dataset.line = digest;
            uint32 number = uint32(_number(act, "number"));
            if (act.name == ANCHOR_VERSION) {
                dataset.versions = number;
                lines[code][number] = digest;
                versions[digest] = Version(code, number, false);
                versionIds.push(digest);
            } else if (_get(act, "whole") != 0) {
                versions[lines[code][number]].shredded = true;
            }
        } else {
            dataset.last = digest;
            if (act.name == SUBMIT_DATASET) {
                if (dataset.provider == 0) datasetCodes.push(code);
                (dataset.provider, dataset.pending) = (_get(act, "department"), digest);
                revisions[digest] = uint8(_number(act, "shareType"));
            } else if (act.name == PUBLISH_DATASET) {
                (dataset.published, dataset.pending, dataset.withdrawn) = (dataset.pending, 0, false);
            } else {
                dataset.pending = 0;
                if (act.name == WITHDRAW_DATASET) (dataset.published, dataset.withdrawn) = (0, true);
            }
        }
        if (!comparing) return;
        IDatasets.Dataset memory found = datasets.datasetOf(code);
        bool same = found.provider == dataset.provider && found.last == dataset.last && found.line == dataset.line
            && found.pending == dataset.pending && found.published == dataset.published
            && found.versions == dataset.versions && found.withdrawn == dataset.withdrawn;
        require(same, "Datasets and model differ");
    }

    function _rememberOffer(Act memory act, bytes32 digest) private {
        shareIds.push(digest);
        Share storage share = shares[digest];
        (share.consumer, share.dataset, share.last) = (_get(act, "consumer"), _get(act, "dataset"), digest);
        share.until = uint48(_number(act, "until"));
        share.stage = act.name == REQUEST_SHARE ? 1 : 3;
        share.shareType = revisions[_get(act, "revision")];
        if (comparing) _compare(digest);
    }

    function _rememberShare(Act memory act, bytes32 digest) private {
        uint8 name = act.name;
        bytes32 id = _get(act, "share");
        Share storage share = shares[id];
        share.last = digest;
        if (name == WITHDRAW_REQUEST) share.stage = 7;
        else if (name == ASK_SUPPLEMENT) (share.stage, share.asked) = (2, true);
        else if (name == SUPPLY_MATERIALS) share.stage = 1;
        else if (name == EXTEND_REPLY) share.extended = true;
        else if (name == AGREE_SHARE) (share.stage, share.until) = (3, uint48(_number(act, "until")));
        else if (name == REFUSE_SHARE) share.stage = 6;
        else if (name == DELIVER_SHARE) share.stage = 4;
        else if (name == CONFIRM_DELIVERY) share.stage = 5;
        else if (name == SUSPEND_SHARE) share.suspendedBy = keys[_address(act, "signer")].department;
        else if (name == RESUME_SHARE) share.suspendedBy = 0;
        else (share.stage, share.suspendedBy) = (8, 0);
        if (comparing) _compare(id);
    }

    function _compare(bytes32 id) private view {
        Share storage share = shares[id];
        IAuthorisations.Share memory found = authorisations.shareOf(id);
        bool same = found.consumer == share.consumer && found.dataset == share.dataset && found.last == share.last
            && found.provider == catalogue[share.dataset].provider && found.suspendedBy == share.suspendedBy
            && found.until == share.until && found.stage == share.stage && found.shareType == share.shareType
            && found.supplementAsked == share.asked && found.extended == share.extended;
        require(same, "Authorisations and model differ");
        bool live = share.stage >= 3 && share.stage <= 5 && share.suspendedBy == 0 && block.timestamp <= share.until;
        require(authorisations.isAuthorised(id) == live, "isAuthorised and model differ");
    }

    function _rememberBeside(Act memory act, bytes32 digest) private {
        _rememberThese(act, digest);
        if (comparing) _compareThese(act, digest);
    }

    function _rememberThese(Act memory act, bytes32 digest) private {
        uint8 name = act.name;
        bytes32 home = keys[_address(act, "signer")].department;
        if (name == ATTEST_QUALITY) {
            attestationIds.push(digest);
            attested[digest] = Attestation(home, digest, false);
        } else if (name == WITHDRAW_ATTESTATION) {
            attested[_get(act, "attestation")] = Attestation(home, digest, true);
        } else if (name == REQUEST_CORRECTION) {
            correctionIds.push(digest);
            doubts[digest] = Correction(_prior(act), digest, 0);
        } else if (name == RESOLVE_CORRECTION) {
            Correction storage doubt = doubts[_get(act, "correction")];
            (doubt.last, doubt.outcome) = (digest, uint8(_number(act, "outcome")));
        } else if (name == PUBLISH_RULE) {
            rules[home][_get(act, "rule")] = Rule(digest, uint8(_number(act, "kind")));
        } else {
            logs[home][_get(act, "log")] = Log(digest, uint64(_number(act, "size")));
        }
    }

    function _compareThese(Act memory act, bytes32 digest) private view {
        uint8 name = act.name;
        bytes32 home = keys[_address(act, "signer")].department;
        bool same;
        if (name == ATTEST_QUALITY) same = attestations.attestationOf(digest).attestor == home;
        else if (name == WITHDRAW_ATTESTATION) same = attestations.attestationOf(_get(act, "attestation")).withdrawn;
        else if (name == REQUEST_CORRECTION) same = attestations.correctionOf(digest).version == _prior(act);
        else if (name == RESOLVE_CORRECTION) same = attestations.correctionOf(_get(act, "correction")).last == digest;
        else if (name == PUBLISH_RULE) same = rulebook.ruleOf(home, _get(act, "rule")).last == digest;
        else same = checkpoints.checkpointOf(home, _get(act, "log")).size == _number(act, "size");
        require(same, "a module and the model differ");
    }
}
