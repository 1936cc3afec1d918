"""pymerkle on its own, in its own venv (requirements-rivals.txt): it imports nothing of ours, and nothing of ours it.

    .venv-tools/rivals/bin/python scripts/_bench/rival_pymerkle.py COUNT < leaves

prints {"seconds", "root"} for a tree over COUNT leaves of 100 bytes.
"""

import json
import sys
import time

from pymerkle import InmemoryTree


def main() -> None:
    count = int(sys.argv[1])
    content = sys.stdin.buffer.read()
    size = len(content) // count
    entries = [content[at : at + size] for at in range(0, len(content), size)]
    begun = time.perf_counter()
    tree = InmemoryTree(algorithm="sha256")
    tree.append_entries(entries)
    root = tree.get_root()
    seconds = time.perf_counter() - begun
    print(json.dumps({"seconds": seconds, "root": root.hex()}))


if __name__ == "__main__":
    main()
