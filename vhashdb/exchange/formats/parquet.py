"""Parquet: a table of records and a table of frames, for analysis. The only room that imports pyarrow."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import numpy as np

from vhashdb.errors import UsageError
from vhashdb.exchange.formats.fields import WRITTEN, to_fields
from vhashdb.exchange.formats.item import Item

RECORDS_FILE: Final = "records.parquet"
FRAMES_FILE: Final = "frames.parquet"
_BATCH: Final = 512
"""Records held in memory before they are written: some 400,000 frames."""


def write_parquet(items: Iterable[Item], folder: Path) -> None:
    """Write both tables into a folder, which is made if it is not there.

    Raises:
        UsageError: pyarrow is not installed.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise UsageError("Parquet needs pyarrow, which is not installed", hint='pip install "vhashdb[parquet]"') from error
    kinds: dict[str, Any] = {
        "duration_s": pa.float64(),
        "reviewers": pa.int32(),
        "labels": pa.list_(pa.string()),
        "hashes": pa.list_(pa.string()),
        **dict.fromkeys(("erase", "disputed", "harmless"), pa.bool_()),
    }
    records = pa.schema([(name, kinds.get(name, pa.string())) for name in WRITTEN if name != "fingerprint"])
    frames = pa.schema(
        [
            ("record", pa.string()),
            ("algorithm", pa.string()),
            ("start_ms", pa.int64()),
            ("end_ms", pa.int64()),
            ("view", pa.uint16()),
            ("quality", pa.uint8()),
            ("hash", pa.binary()),
        ]
    )
    folder.mkdir(parents=True, exist_ok=True)
    with pq.ParquetWriter(folder / RECORDS_FILE, records) as record_file, pq.ParquetWriter(folder / FRAMES_FILE, frames) as frame_file:
        batch: list[Item] = []

        def flush() -> None:
            if batch:
                record_file.write_table(pa.Table.from_pylist([_row(item) for item in batch], records))
                tables = [pa.Table.from_pydict(_frames(item), frames) for item in batch]
                frame_file.write_table(pa.concat_tables(tables))
                batch.clear()

        for item in items:
            batch.append(item)
            if len(batch) == _BATCH:
                flush()
        flush()


def _row(item: Item) -> dict[str, Any]:
    values = to_fields(item)
    if item.opinions:
        values["opinions"] = json.dumps(values["opinions"], ensure_ascii=False)
    return values


def _frames(item: Item) -> dict[str, Any]:
    names = ("record", "algorithm", "start_ms", "end_ms", "view", "quality", "hash")
    f = item.frames
    if f is None:
        return {name: [] for name in names}
    start, end = (np.round(seconds * 1000).astype(np.int64) for seconds in (f.start_s, f.end_s))
    columns = (
        [item.key] * len(f),
        [str(f.algorithm)] * len(f),
        start,
        end,
        f.view,
        f.quality,
        [value.tobytes() for value in f.hash],
    )
    return dict(zip(names, columns, strict=True))
