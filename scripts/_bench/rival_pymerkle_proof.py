"""pymerkle's proofs on their own, in its own venv (requirements-rivals.txt): it imports nothing of ours.

    .venv-tools/rivals/bin/python scripts/_bench/rival_pymerkle_proof.py COUNT PROOFS < leaves

prints {"root", "prove_ms", "verify_us"} for a tree over COUNT leaves, medians over PROOFS of them. What the verifier
knows by itself, as ours does: the root, the size and the leaf's number.
"""

import json
import statistics
import sys
import time

from pymerkle import InmemoryTree, verify_inclusion


def main() -> None:
    count, proofs = int(sys.argv[1]), int(sys.argv[2])
    content = sys.stdin.buffer.read()
    size = len(content) // count
    tree = InmemoryTree(algorithm="sha256")
    tree.append_entries([content[at : at + size] for at in range(0, len(content), size)])
    root = tree.get_root()
    proving, verifying = [], []
    for number in range(1, count + 1, max(count // proofs, 1)):
        begun = time.perf_counter()
        proof = tree.prove_inclusion(number, count)
        proving.append(time.perf_counter() - begun)
        leaf = tree.get_leaf(number)
        begun = time.perf_counter()
        verify_inclusion(leaf, root, proof, index=number, size=count)
        verifying.append(time.perf_counter() - begun)
    taken = {"prove_ms": 1e3 * statistics.median(proving), "verify_us": 1e6 * statistics.median(verifying)}
    print(json.dumps({**taken, "root": root.hex()}))


if __name__ == "__main__":
    main()
