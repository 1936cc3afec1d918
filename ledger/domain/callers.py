"""Who is asking: a department's person or program, as far as an API key says."""

from dataclasses import dataclass

from ledger.domain.acts import Duty, Role


@dataclass(frozen=True, slots=True)
class Caller:
    id: str  # of the API key; goes into use records and logs
    department: str
    duty: Duty
    roles: Role

    @property
    def audits(self) -> bool:
        return Role.AUDITOR in self.roles
