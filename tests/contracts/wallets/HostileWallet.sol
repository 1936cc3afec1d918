// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// A wallet that says yes to everything until it turns.
contract HostileWallet {
    enum Mood {
        Yes,
        Junk, // the right four bytes and dirt behind them
        Short, // the right four bytes and nothing else
        Huge, // as much as its gas can return, beginning wrong
        HugeReason, // the same as a revert
        Burn, // all gas
        Refuse, // reverts in words
        Reenter, // makes a call, and says yes only if that did something
        Slow, // yes, after using nearly all its gas
        Gone // returns nothing at all
    }

    Mood private _mood;
    address private _target;
    bytes private _call;

    function turn(Mood mood, address target, bytes calldata call_) external {
        (_mood, _target, _call) = (mood, target, call_);
    }

    function isValidSignature(bytes32, bytes calldata) external returns (bytes4) {
        Mood mood = _mood;
        if (mood == Mood.Refuse) revert("not today");
        if (mood == Mood.Reenter) {
            (bool done,) = _target.call(_call);
            return done ? bytes4(0x1626ba7e) : bytes4(0);
        }
        if (mood == Mood.Slow) {
            while (gasleft() > 5_000) {}
            return 0x1626ba7e;
        }
        assembly {
            mstore(0, shl(224, 0x1626ba7e))
            switch mood
            case 1 { mstore(0, or(mload(0), 1)) return(0, 32) }
            case 2 { return(0, 4) }
            case 3 { mstore(0, 0) return(0, 200000) }
            case 4 { revert(0, 200000) }
            case 5 { for {} 1 {} {} }
            case 9 { return(0, 0) }
        }
        return 0x1626ba7e;
    }
}
