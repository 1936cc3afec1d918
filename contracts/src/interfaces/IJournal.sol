// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title IJournal: the one order of everything
/// @notice Every act becomes one entry with a gap-free index over all modules, and the head chains them:
/// `head' = keccak256(abi.encode(head, index, module, digest, keccak256(abi.encode(signatures)), block.timestamp))`,
/// beginning from `keccak256(abi.encode("ShareLedger", chainid, journal))`. Entry 0 is the opening, signed by nobody.
/// The acts of this module have one object, the ledger; their first `prior` is zero.
interface IJournal {
    /// @notice Entry 0: what this ledger is made of, its root authority and that one's first director keys, and the
    /// ledger that it continues, or zero.
    struct OpenLedger {
        address departments;
        address datasets;
        address authorisations;
        address attestations;
        address rulebook;
        address checkpoints;
        address courier;
        bytes32 department;
        uint8 level;
        uint16 roles;
        bytes32 document;
        address firstKey;
        uint8 firstKind;
        address secondKey;
        uint8 secondKind;
        uint8 custody;
        address olderJournal;
        bytes32 olderHead;
        uint64 olderSize;
    }

    /// @notice By the root's director: one more module may record. None is ever replaced.
    struct AdmitModule {
        address signer;
        address module;
        bytes32 codeHash;
        bytes32 prior;
        uint48 validUntil;
    }

    /// @notice By the root's director: this is the last entry; a successor, if any, continues elsewhere.
    struct CloseLedger {
        address signer;
        address successor;
        bytes32 document;
        bytes32 prior;
        uint48 validUntil;
    }

    /// @notice One entry: act `digest` of `module` and its signatures, chained to `head`.
    event Recorded(
        uint256 indexed index, address indexed module, bytes32 indexed digest, bytes32 head, uint48 time, bytes[] signatures
    );
    event LedgerOpened(
        bytes32 indexed digest, uint256 indexed index, bytes32 head, bytes32 department, uint8 marks, OpenLedger act
    );
    event ModuleAdmitted(
        bytes32 indexed digest, uint256 indexed index, bytes32 head, bytes32 department, uint8 marks, AdmitModule act
    );
    event LedgerClosed(
        bytes32 indexed digest, uint256 indexed index, bytes32 head, bytes32 department, uint8 marks, CloseLedger act
    );

    /// @notice Only a module of this ledger may do this, and this address is none, or not the one that was named.
    error JournalNotModule(address module);
    /// @notice The ledger is closed: nothing more is recorded.
    error JournalClosed();
    /// @notice The opening is not well formed, or not the one this ledger was opened with.
    error JournalOpening();
    /// @notice Only the root authority may do this.
    error JournalNotRoot(bytes32 department);
    /// @notice This address is part of the ledger already.
    error JournalModuleKnown(address module);
    /// @notice The code at this address has another hash than the act says, or there is none.
    error JournalModuleCode(address module, bytes32 found);

    function admitModule(AdmitModule calldata act, bytes[] calldata signatures) external;

    function closeLedger(CloseLedger calldata act, bytes[] calldata signatures) external;

    /// @notice Appends the entry of an act that the calling module has accepted.
    /// @return index the entry's place. @return head the head after it.
    function record(bytes32 digest, bytes[] calldata signatures) external returns (uint256 index, bytes32 head);

    /// @notice The running hash after the last entry.
    function head() external view returns (bytes32);

    /// @notice The number of entries, the opening included.
    function size() external view returns (uint256);

    /// @notice Head, number of entries and whether the ledger is closed, of one moment.
    function tip() external view returns (bytes32 head, uint256 size, bool closed);

    function closed() external view returns (bool);

    /// @notice Digest of the opening.
    function opening() external view returns (bytes32);

    /// @notice Digest of the last AdmitModule or CloseLedger, zero at first: the `prior` of the next.
    function last() external view returns (bytes32);

    /// @notice Whether acts may be sent there: this Journal, the modules of the opening and those admitted since; the
    /// Courier is none.
    function isModule(address module) external view returns (bool);

    /// @notice Code of the root authority.
    function root() external view returns (bytes32);

    function departments() external view returns (address);

    function datasets() external view returns (address);

    function authorisations() external view returns (address);

    function attestations() external view returns (address);

    function rulebook() external view returns (address);

    function checkpoints() external view returns (address);

    function courier() external view returns (address);
}
