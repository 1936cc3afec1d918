// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// A good ERC-1271 wallet: it signs what its owner signed.
contract OwnerWallet {
    address private immutable OWNER;

    constructor(address owner) {
        OWNER = owner;
    }

    function isValidSignature(bytes32 digest, bytes calldata signature) external view returns (bytes4) {
        (bytes32 r, bytes32 s) = abi.decode(signature[:64], (bytes32, bytes32));
        bool good = ecrecover(digest, uint8(signature[64]), r, s) == OWNER;
        return good ? bytes4(0x1626ba7e) : bytes4(0xffffffff);
    }
}
