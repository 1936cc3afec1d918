// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title ICourier: many signed acts in one transaction
/// @notice A courier speaks for nobody: each act stands or falls by its own signatures. One act never blocks another.
interface ICourier {
    /// @notice A module of the ledger and the call that brings it an act.
    struct Carried {
        address module;
        bytes call;
    }

    /// @notice The act at `position` was not accepted. `callHash` is the keccak256 of its call; `reason` holds the first
    /// 260 bytes of what the module reverted with, nothing if it ran out of the gas an act may use.
    event Returned(uint256 indexed position, address indexed module, bytes32 indexed callHash, bytes reason);

    /// @notice Not a module of this ledger. Appears as the reason of {Returned} only.
    error CourierNotModule(address module);
    /// @notice The transaction cannot give the next act the gas that every act is due; nothing was carried.
    error CourierGas();

    /// @notice Brings each act to its module, in order, each with {actGas}.
    function carry(Carried[] calldata acts) external;

    /// @notice Gas that each act may use.
    function actGas() external view returns (uint256);
}
