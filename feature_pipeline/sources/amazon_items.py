"""The products of an Amazon category: their metadata where there are any, and the ids of the reviews."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from feature_pipeline.sources.file_part import join_parts
from feature_pipeline.sources.json_lines import Record, as_text, read_json_lines
from feature_pipeline.sources.raw import RawTable, build_refused

ITEM_COLUMNS = ("asin", "title", "brand", "category", "price", "description", "main_cat")

_PRICE = re.compile(r"\$?\s*(\d[\d,]*(?:\.\d+)?)(?:\s*-\s*\$?\s*\d[\d,]*(?:\.\d+)?)?")
_REPEATED = "same asin as an earlier line"


def read_items(metadata: Path | None, reviewed: RawTable) -> RawTable:
    """Reads the metadata, and adds the reviewed products that have none.

    The files of 2018 repeat products: the first line of each counts, the others are refused.

    Args:
        metadata: file of one object a line, or None where there is none.
        reviewed: column asin, each once.

    Returns:
        Columns `ITEM_COLUMNS`, all `str`, missing where unknown. Products added from the reviews follow the
        last line of the metadata.
    """
    if metadata is None:
        return RawTable(reviewed.frame.reindex(columns=list(ITEM_COLUMNS)), reviewed.file)
    described = join_parts([read_json_lines(metadata, ITEM_COLUMNS, _get_product)], str(metadata))
    frame, refused = _refuse_repeated(described.frame)
    added = reviewed.frame[~reviewed.frame["asin"].isin(frame["asin"].unique())]
    last = max([0, *described.frame.index, *described.refused.index])
    added = added.set_axis(range(last + 1, last + 1 + len(added)))
    items = pd.concat([frame, added.reindex(columns=list(ITEM_COLUMNS))])
    return RawTable(items.astype("str"), str(metadata), pd.concat([described.refused, refused]))


def _get_product(record: Record) -> list[str | None]:
    cells = {name: record.get(name) for name in ITEM_COLUMNS}
    # 2014 has lists of paths through the catalogue, 2018 one path.
    cells["category"] = "|".join(_flatten(record.get("category", record.get("categories"))))
    cells["description"] = " ".join(_flatten(record.get("description")))
    cells["price"] = _parse_price(record.get("price"))
    return [as_text(cells[name]) or None for name in ITEM_COLUMNS]


def _flatten(value: Any) -> dict[str, None]:
    """The texts of nested lists, each once, in their order."""

    def walk(value: Any) -> Iterator[str]:
        if isinstance(value, list | tuple):
            for part in value:
                yield from walk(part)
        elif value is not None:
            yield str(value).strip()

    return dict.fromkeys(walk(value))


def _parse_price(price: Any) -> Any:
    """`$1,299.00 - $1,500.00` -> `1299.00`; what is no price stays, for the checks to find."""
    matched = _PRICE.fullmatch(price.strip()) if isinstance(price, str) else None
    return matched[1].replace(",", "") if matched else price


def _refuse_repeated(products: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The first line of each asin, and the others as refused lines; a line without asin is for the checks."""
    repeated = products["asin"].notna() & products["asin"].duplicated()
    lines = products[repeated]
    refused = build_refused(list(lines.index), list(lines["asin"]), [_REPEATED] * len(lines))
    return products[~repeated], refused
