// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {KIND_CONTRACT} from "./Terms.sol";

/// @notice EIP-712 domain separator of a module on this chain: `{ShareLedger, 1, chainId, module}`.
function domainOf(address module) view returns (bytes32) {
    return keccak256(
        abi.encode(
            keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
            keccak256("ShareLedger"),
            keccak256("1"),
            block.chainid,
            module
        )
    );
}

/// @notice EIP-712 digest of a struct hash in a domain.
function typedDigest(bytes32 domain, bytes32 structHash) pure returns (bytes32) {
    return keccak256(abi.encodePacked(hex"1901", domain, structHash));
}

/// @title Signed: typed acts and who signed them
/// @notice EIP-712 digests; ECDSA signatures of accounts, ERC-1271 signatures of contracts. An act is a struct of static
/// words, so `abi.encode(TYPE, act)` is its EIP-712 encoding, and encoding it refuses dirty upper bits.
/// @dev A contract key is asked by `staticcall`: whatever it does there changes nothing, so a module may ask before it
/// changes its own state. Its gas is capped, and of its answer 32 bytes are read, whatever it returns.
abstract contract Signed {
    /// @notice The signature was good until `validUntil` only. This is about the signature: a late act is never refused.
    error SignedExpired(uint48 validUntil, uint256 nowTime);
    /// @notice So many signatures were given; the act takes `needed`.
    error SignedCount(uint256 given, uint256 needed);
    /// @notice Not a signature of this key over this act, for this chain and module.
    error SignedWrong(address signer);
    /// @notice A signature longer than 4096 bytes.
    error SignedTooLong(uint256 length);
    /// @notice Too little gas is left to ask a contract key fairly; nothing was decided.
    error SignedGas();
    /// @notice The object's last act is `expected`: another act came first, or this one is a copy, or too early.
    error SignedPrior(bytes32 expected, bytes32 given);

    uint256 internal constant SIGNATURE_MAX = 4096;
    uint256 internal constant CHECK_GAS = 150_000;
    /// @dev What must be left so that 63/64 of it, less the price of the call itself, is CHECK_GAS.
    uint256 private constant CHECK_GAS_LEFT = (CHECK_GAS * 64) / 63 + 5_000;

    bytes32 internal immutable DOMAIN;

    constructor() {
        DOMAIN = domainOf(address(this));
    }

    /// @dev The digest of an act, once its validity, its one signature and nothing else were checked.
    function _signed(
        bytes32 structHash,
        uint48 validUntil,
        address signer,
        uint8 kind,
        bytes[] calldata signatures
    ) internal view returns (bytes32 digest) {
        _fresh(validUntil, signatures.length, 1);
        digest = typedDigest(DOMAIN, structHash);
        _signature(digest, signer, kind, signatures[0]);
    }

    function _fresh(uint48 validUntil, uint256 given, uint256 needed) internal view {
        if (block.timestamp > validUntil) revert SignedExpired(validUntil, block.timestamp);
        if (given != needed) revert SignedCount(given, needed);
    }

    function _signature(bytes32 digest, address signer, uint8 kind, bytes calldata signature) internal view {
        if (signature.length > SIGNATURE_MAX) revert SignedTooLong(signature.length);
        if (kind == KIND_CONTRACT) {
            if (gasleft() < CHECK_GAS_LEFT) revert SignedGas();
            if (!_accepted(signer, digest, signature)) revert SignedWrong(signer);
        } else {
            (address found, ECDSA.RecoverError failure,) = ECDSA.tryRecoverCalldata(digest, signature);
            if (failure != ECDSA.RecoverError.NoError || found != signer) revert SignedWrong(signer);
        }
    }

    /// @dev ERC-1271 `isValidSignature(bytes32,bytes)` answered with its own selector in a whole word.
    function _accepted(address signer, bytes32 digest, bytes calldata signature) private view returns (bool accepted) {
        assembly ("memory-safe") {
            let magic := shl(224, 0x1626ba7e)
            let call_ := mload(0x40)
            let padded := and(add(signature.length, 31), not(31))
            mstore(call_, magic)
            mstore(add(call_, 4), digest)
            mstore(add(call_, 36), 64)
            mstore(add(call_, 68), signature.length)
            mstore(add(add(call_, 68), padded), 0) // the last word's padding; the length itself if it is empty: zero too
            calldatacopy(add(call_, 100), signature.offset, signature.length)
            mstore(0, 0)
            let ok := staticcall(CHECK_GAS, signer, call_, add(100, padded), 0, 32)
            accepted := and(and(ok, gt(returndatasize(), 31)), eq(mload(0), magic))
        }
    }

    function _follows(bytes32 last, bytes32 prior) internal pure {
        if (last != prior) revert SignedPrior(last, prior);
    }
}
