"""What the demonstration found, as the one object that --json prints."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Result:
    """Filled as the story goes on; `ok` only at its end. `shares` counts what was agreed and what was granted."""

    ok: bool = False
    records: int = 0
    root: str = ""
    entries: int = 0
    head: str = ""
    table: bool = False
    record: bool = False
    on_chain: bool = False
    agreed: int = 0
    granted: int = 0
    detected: bool = False
    record_index: int | None = None
    refusals: list[str] = field(default_factory=list)
    clean_findings: int | None = None
    head_matches: bool = False
    tamper_findings: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        return {
            "ok": self.ok,
            "records": self.records,
            "root": self.root,
            "entries": self.entries,
            "head": self.head,
            "verified": {"table": self.table, "record": self.record, "on_chain": self.on_chain},
            "shares": {"agreed": self.agreed, "granted": self.granted},
            "tampered": {"detected": self.detected, "record_index": self.record_index},
            "refusals": self.refusals,
            "audit": {
                "clean_findings": self.clean_findings,
                "head_matches": self.head_matches,
                "tamper_findings": self.tamper_findings,
            },
            "seconds": round(self.seconds, 1),
        }
