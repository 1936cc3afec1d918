// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {
    ATTESTATIONS_CODE,
    AUTHORISATIONS_CODE,
    CHECKPOINTS_CODE,
    COURIER_CODE,
    DATASETS_CODE,
    DEPARTMENTS_CODE,
    JOURNAL_CODE,
    RULEBOOK_CODE
} from "deployed/Deployed.sol";
import {IAttestations} from "../../src/interfaces/IAttestations.sol";
import {IAuthorisations} from "../../src/interfaces/IAuthorisations.sol";
import {ICheckpoints} from "../../src/interfaces/ICheckpoints.sol";
import {ICourier} from "../../src/interfaces/ICourier.sol";
import {IDatasets} from "../../src/interfaces/IDatasets.sol";
import {IDepartments} from "../../src/interfaces/IDepartments.sol";
import {IJournal} from "../../src/interfaces/IJournal.sol";
import {IRulebook} from "../../src/interfaces/IRulebook.sol";

/// A ledger made of the committed artefacts' bytes.
abstract contract Ledger {
    bytes32 internal constant ROOT = "LUAN";

    IJournal internal journal;
    IDepartments internal departments;
    IDatasets internal datasets;
    IAuthorisations internal authorisations;
    IAttestations internal attestations;
    IRulebook internal rulebook;
    ICheckpoints internal checkpoints;
    ICourier internal courier;

    /// `placeOf` tells where the n-th contract that this one creates from now on will be.
    function _open(function(uint256) view returns (address) placeOf, address firstKey, address secondKey) internal {
        journal = IJournal(placeOf(0));
        departments = IDepartments(placeOf(1));
        datasets = IDatasets(placeOf(2));
        authorisations = IAuthorisations(placeOf(3));
        attestations = IAttestations(placeOf(4));
        rulebook = IRulebook(placeOf(5));
        checkpoints = ICheckpoints(placeOf(6));
        courier = ICourier(placeOf(7));
        IJournal.OpenLedger memory act = _opening(firstKey, secondKey);
        _create(abi.encodePacked(JOURNAL_CODE, abi.encode(act)), address(journal));
        _create(abi.encodePacked(DEPARTMENTS_CODE, abi.encode(journal, act)), address(departments));
        _create(abi.encodePacked(DATASETS_CODE, abi.encode(journal)), address(datasets));
        _create(abi.encodePacked(AUTHORISATIONS_CODE, abi.encode(journal)), address(authorisations));
        _create(abi.encodePacked(ATTESTATIONS_CODE, abi.encode(journal)), address(attestations));
        _create(abi.encodePacked(RULEBOOK_CODE, abi.encode(journal)), address(rulebook));
        _create(abi.encodePacked(CHECKPOINTS_CODE, abi.encode(journal)), address(checkpoints));
        _create(abi.encodePacked(COURIER_CODE, abi.encode(journal)), address(courier));
    }

    function _opening(address firstKey, address secondKey) private view returns (IJournal.OpenLedger memory act) {
        act.departments = address(departments);
        act.datasets = address(datasets);
        act.authorisations = address(authorisations);
        act.attestations = address(attestations);
        act.rulebook = address(rulebook);
        act.checkpoints = address(checkpoints);
        act.courier = address(courier);
        act.department = ROOT;
        (act.level, act.roles, act.custody) = (2, 1, 1);
        act.document = keccak256("opening");
        (act.firstKey, act.firstKind) = (firstKey, 1);
        (act.secondKey, act.secondKind) = (secondKey, 1);
    }

    function _create(bytes memory code, address expected) private {
        address made;
        assembly ("memory-safe") {
            made := create(0, add(code, 32), mload(code))
        }
        require(made == expected && made != address(0), "a contract of the ledger refused to exist");
    }
}
