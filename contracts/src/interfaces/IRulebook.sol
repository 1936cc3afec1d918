// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title IRulebook: the rules that findings rest on
/// @notice Calendars, deadline profiles and quality rule sets are documents; here stands which one an authority published,
/// and when. Object: the rule of this name of one authority.
interface IRulebook {
    /// @notice By an authority's director: a rule, or its next version.
    struct PublishRule {
        address signer;
        bytes32 rule;
        uint8 kind;
        uint48 start;
        bytes32 document;
        bytes32 prior;
        uint48 validUntil;
    }

    /// @notice A rule as it is now; `kind` is zero if there is none.
    struct Rule {
        bytes32 last;
        bytes32 document;
        uint48 start;
        uint8 kind;
    }

    event RulePublished(
        bytes32 indexed digest, uint256 indexed index, bytes32 head, bytes32 department, uint8 marks, PublishRule act
    );

    /// @notice No such kind, or another than the rule has.
    error RulebookKind(uint8 kind);
    error RulebookDocumentMissing();

    function publishRule(PublishRule calldata act, bytes[] calldata signatures) external;

    function ruleOf(bytes32 department, bytes32 rule) external view returns (Rule memory);
}
