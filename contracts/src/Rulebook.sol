// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IJournal} from "./interfaces/IJournal.sol";
import {IRulebook} from "./interfaces/IRulebook.sol";
import {Codes} from "./lib/Codes.sol";
import {Module} from "./lib/Module.sol";
import {AUTHORITY, DIRECTOR, MARK_NONE} from "./lib/Terms.sol";

/// @title Rulebook: see {IRulebook}
contract Rulebook is IRulebook, Module {
    bytes32 private constant PUBLISH_RULE = keccak256(
        "PublishRule(address signer,bytes32 rule,uint8 kind,uint48 start,bytes32 document,bytes32 prior,"
        "uint48 validUntil)"
    );

    uint8 private constant KIND_FIRST = 1; // calendar
    uint8 private constant KIND_LAST = 3; // quality rule set

    mapping(bytes32 department => mapping(bytes32 rule => Rule)) private _rules;

    constructor(IJournal journal) Module(journal) {
        _named(journal.rulebook());
    }

    function publishRule(PublishRule calldata act, bytes[] calldata signatures) external {
        (bytes32 department, uint16 roles, uint8 kind) = DEPARTMENTS.authorise(act.signer, DIRECTOR);
        _role(department, roles, AUTHORITY);
        bytes32 digest = _signed(keccak256(abi.encode(PUBLISH_RULE, act)), act.validUntil, act.signer, kind, signatures);
        Codes.check(act.rule);
        Rule storage rule = _rules[department][act.rule];
        bool known = act.kind >= KIND_FIRST && act.kind <= KIND_LAST;
        if (!known || (rule.kind != 0 && rule.kind != act.kind)) revert RulebookKind(act.kind);
        if (act.document == 0) revert RulebookDocumentMissing();
        _follows(rule.last, act.prior);
        rule.last = digest;
        rule.document = act.document;
        (rule.start, rule.kind) = (act.start, act.kind);
        (uint256 index, bytes32 head) = _record(digest, signatures);
        emit RulePublished(digest, index, head, department, MARK_NONE, act);
    }

    function ruleOf(bytes32 department, bytes32 rule) external view returns (Rule memory) {
        return _rules[department][rule];
    }
}
