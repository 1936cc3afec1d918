// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {vm} from "../lib/Vm.sol";
import {IJournal} from "../../src/interfaces/IJournal.sol";
import {Act} from "./Acts.sol";
import {Transitions} from "./Transitions.sol";

/// A contract key: it signs what its owner signed, until its mood turns.
contract Wallet {
    address private immutable OWNER;
    uint256 public mood; // 0 good, 1 burns its gas, 2 reverts with much, 3 answers junk, 4 says no

    constructor(address owner) {
        OWNER = owner;
    }

    function turn(uint256 next) external {
        mood = next;
    }

    function isValidSignature(bytes32 digest, bytes calldata signature) external view returns (bytes4) {
        if (mood == 1) while (true) {}
        if (mood == 2) {
            assembly {
                revert(0, 100000)
            }
        }
        if (mood == 3) {
            assembly {
                mstore(0, or(shl(224, 0x1626ba7e), 1))
                return(0, 32)
            }
        }
        if (mood == 4 || signature.length != 65) return 0xffffffff;
        (bytes32 r, bytes32 s) = abi.decode(signature[:64], (bytes32, bytes32));
        return ecrecover(digest, uint8(signature[64]), r, s) == OWNER ? bytes4(0x1626ba7e) : bytes4(0xffffffff);
    }
}

/// A module that comes later: it records whatever it is told to.
contract Later {
    function record(IJournal journal, bytes32 digest, bytes[] calldata signatures) external {
        journal.record(digest, signatures);
    }
}

/// Who can sign, and chance: everything follows from the seed of a call.
abstract contract Cast is Transitions {
    uint256 internal constant ACCOUNTS = 56;
    uint256 internal constant WALLETS = 6;
    uint256 internal constant LATER = 4;

    address[] internal hands; // accounts, then wallets
    mapping(address key => uint256) internal secrets; // of the account, or of the wallet's owner
    address[] internal later;
    uint256 private _chance;

    function _gather() internal {
        for (uint256 i = 1; i <= ACCOUNTS; i++) _hand(vm.addr(i), i);
        for (uint256 i = 1; i <= WALLETS; i++) {
            uint256 secret = 1000 + i;
            _hand(address(new Wallet(vm.addr(secret))), secret);
        }
        for (uint256 i = 0; i < LATER; i++) later.push(address(new Later()));
    }

    function _hand(address key, uint256 secret) private {
        hands.push(key);
        secrets[key] = secret;
    }

    function _isWallet(address key) internal view returns (bool) {
        return secrets[key] > 1000;
    }

    // chance

    function _shuffle(uint256 seed) internal {
        _chance = uint256(keccak256(abi.encode(seed, _chance))); // a fuzzer likes to give the same number again
    }

    function _random() internal returns (uint256) {
        _chance = uint256(keccak256(abi.encode(_chance)));
        return _chance;
    }

    function _below(uint256 bound) internal returns (uint256) {
        return _random() % bound;
    }

    function _percent(uint256 share) internal returns (bool) {
        return _below(100) < share;
    }

    function _one(bytes32[] storage from) internal returns (bytes32) {
        return from.length == 0 ? bytes32(0) : from[_below(from.length)];
    }

    /// One of the newest, mostly: objects are to live through several stages.
    function _recent(bytes32[] storage from, uint256 count) internal returns (bytes32) {
        if (from.length <= count || _percent(15)) return _one(from);
        return from[from.length - 1 - _below(count)];
    }

    // signing

    function _sign(address key, bytes32 digest) internal view returns (bytes memory) {
        uint256 secret = secrets[key];
        if (secret == 0) return new bytes(65); // nobody holds this key
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(secret, digest);
        return abi.encodePacked(r, s, v);
    }

    /// Whether signatures of this key can be good at all, for a key enrolled, or to be, as this kind.
    function _signs(address key, uint256 kind) internal view returns (bool) {
        if (secrets[key] == 0) return false;
        if (!_isWallet(key)) return kind != 2;
        return kind == 2 && Wallet(key).mood() == 0;
    }

    // values that may be anything

    function _anyKey() internal returns (address) {
        if (_percent(4)) return address(uint160(_random()));
        return _percent(80) ? enrolled[_below(enrolled.length)] : hands[_below(hands.length)];
    }

    function _anyWord() internal returns (bytes32) {
        uint256 kind = _below(11);
        if (kind == 0) return 0;
        if (kind == 1) return bytes32(_random());
        if (kind == 2) return "nowhere";
        if (kind <= 4) return _one(codes);
        if (kind == 5) return _one(datasetCodes);
        if (kind == 6) return _one(versionIds);
        if (kind == 7) return _one(attestationIds);
        if (kind == 8) return _one(correctionIds);
        return _one(shareIds);
    }

    function _anyNumber(uint256 bits) internal returns (uint256) {
        uint256 most = (1 << bits) - 1;
        uint256 kind = _below(10);
        if (kind == 0) return most;
        if (kind == 1) return _random() & most;
        if (kind == 2 && bits == 48) return block.timestamp;
        if (kind == 3 && bits == 48) return block.timestamp - 1 + _below(3);
        return _below(8);
    }

    function _any(bytes1 kind) internal returns (bytes32) {
        if (kind == "A") {
            if (_percent(70)) return bytes32(uint256(uint160(_anyKey())));
            address module = _percent(50) ? later[_below(LATER)] : shapes[uint8(_below(31))].module;
            return bytes32(uint256(uint160(_percent(10) ? address(courier) : module)));
        }
        if (kind == "B") return _anyWord();
        return bytes32(kind == "F" ? _below(2) : _anyNumber(uint8(kind) * 8));
    }

    /// The act with everything in it at random.
    function _blank(uint8 name) internal returns (Act memory act) {
        bytes memory kinds = shapes[name].kinds;
        act = Act(name, new bytes32[](kinds.length));
        for (uint256 i = 0; i < kinds.length; i++) act.words[i] = _any(kinds[i]);
    }
}
