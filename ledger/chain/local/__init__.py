"""The durable local chain: anvil executes, our sequencer orders, a journal on disk decides.

anvil keeps a chain in memory only; its own state file loses seconds of blocks, or itself, when the process is killed.
So the order of transactions is decided here and written down before anvil sees it, and a fresh anvil that is given the
same blocks arrives at the same block hashes.

    transaction  decode and check a raw transaction
    pool         transactions waiting for their turn
    journal      the blocks, on disk: the only thing that must survive
    anvil        the child process and an ordered pipe to it
    sequencer    the loop: take, journal, mine, check; replay on start
    base         the empty chain that anvil continues
    loopback     HTTP on the loopback interface
    server       JSON-RPC over HTTP on the loopback interface
    chain        `LocalChain`: lock, start, address hand-over, stop

Trust: whoever may run programs on this machine as this user can rewrite the journal, and whoever may run programs on it
at all can reach anvil's own port. A block mined behind the sequencer's back is noticed at the next block, and undone.
"""

from ledger.chain.local.anvil import Genesis, find_anvil
from ledger.chain.local.chain import LocalChain, running_endpoint

__all__ = ["Genesis", "LocalChain", "find_anvil", "running_endpoint"]
