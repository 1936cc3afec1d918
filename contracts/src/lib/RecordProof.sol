// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title RecordProof: inclusion of a leaf in an RFC 9162 Merkle tree over SHA-256
library RecordProof {
    /// @notice Whether `leafHash` is leaf `index` of the tree with `size` leaves and `root` (RFC 9162 §2.1.3.2).
    /// @param leafHash the hash of the leaf, never the record itself: transactions are public.
    /// @param path sibling hashes from the leaf up.
    function verify(bytes32 root, uint64 size, bytes32 leafHash, uint64 index, bytes32[] calldata path)
        internal
        pure
        returns (bool)
    {
        if (index >= size) return false;
        uint256 fn = index;
        uint256 sn = size - 1;
        bytes32 hash = leafHash;
        for (uint256 i = 0; i < path.length; i++) {
            if (sn == 0) return false; // longer than any path in this tree
            if (fn & 1 == 1 || fn == sn) {
                hash = sha256(abi.encodePacked(bytes1(0x01), path[i], hash));
                while (fn & 1 == 0 && fn != 0) {
                    fn >>= 1;
                    sn >>= 1;
                }
            } else {
                hash = sha256(abi.encodePacked(bytes1(0x01), hash, path[i]));
            }
            fn >>= 1;
            sn >>= 1;
        }
        return sn == 0 && hash == root;
    }
}
