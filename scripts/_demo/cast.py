"""Who plays: departments of the city. Codes below the city's are this demonstration's own, the divisions' are real."""

from dataclasses import dataclass
from typing import Final

from ledger.domain.acts import Role
from scripts._demo.places import CITY


@dataclass(frozen=True, slots=True)
class Part:
    """One department. Its signing keys are left with the host, unless it keeps them itself."""

    code: str
    zh: str
    en: str
    roles: Role
    parent: str
    keeps_keys: bool = False


_ANY: Final = Role.PROVIDER | Role.CONSUMER
ROOT: Final = Part(CITY, "六安市", "Lu'an, the root authority", Role.AUTHORITY | _ANY, "")
BUREAU: Final = Part(f"{CITY}-SJZYJ", "市数据资源管理局", "data bureau", Role.AUTHORITY | _ANY, CITY)
STATISTICS: Final = Part(f"{CITY}-TJJ", "市统计局", "statistics bureau", _ANY, BUREAU.code)
HOUSING: Final = Part(f"{CITY}-GJJ", "市住房公积金管理中心", "housing fund centre", _ANY, BUREAU.code, True)
LABOUR: Final = Part(f"{CITY}-RSJ", "市人力资源和社会保障局", "labour bureau", _ANY, BUREAU.code)
CIVIL: Final = Part(f"{CITY}-MZJ", "市民政局", "civil affairs bureau", _ANY, BUREAU.code)
HEALTH: Final = Part(f"{CITY}-YBJ", "市医疗保障局", "health insurance bureau", _ANY, BUREAU.code)
QUALITY: Final = Part(f"{CITY}-ZLPG", "数据质量评估方", "quality attestor", Role.ATTESTOR, CITY)
AUDIT: Final = Part(f"{CITY}-SJJ", "市审计局", "audit bureau", Role.AUDITOR, CITY)

CITY_PARTS: Final = (BUREAU, STATISTICS, HOUSING, LABOUR, CIVIL, HEALTH, QUALITY, AUDIT)
