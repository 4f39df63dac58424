"""Parquet: a table of records, one of frames and one of the landmarks of their sound, for analysis. The only room that imports pyarrow."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import numpy as np

from vhashdb.errors import UsageError
from vhashdb.exchange.formats.fields import WRITTEN, to_fields
from vhashdb.exchange.formats.item import Item
from vhashdb.sound import FRAME_S

RECORDS_FILE: Final = "records.parquet"
FRAMES_FILE: Final = "frames.parquet"
LANDMARKS_FILE: Final = "landmarks.parquet"
_BATCH: Final = 512
"""Records held in memory before they are written: some 400,000 frames."""
_BATCH_LANDMARKS: Final = 2_000_000
"""Landmarks held in memory before they are written. Engineering bound: some 100 MB as a table."""


def write_parquet(items: Iterable[Item], folder: Path) -> None:
    """Write the tables into a folder, which is made if it is not there.

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
    landmarks = pa.schema(
        [
            ("record", pa.string()),
            ("spec", pa.int32()),
            ("start_ms", pa.int64()),
            ("key", pa.uint32()),
            ("pitch", pa.uint8()),
            ("span", pa.uint8()),
            ("frame", pa.uint32()),
        ]
    )
    folder.mkdir(parents=True, exist_ok=True)
    with (
        pq.ParquetWriter(folder / RECORDS_FILE, records) as record_file,
        pq.ParquetWriter(folder / FRAMES_FILE, frames) as frame_file,
        pq.ParquetWriter(folder / LANDMARKS_FILE, landmarks) as landmark_file,
    ):
        batch: list[Item] = []

        def flush() -> None:
            if batch:
                record_file.write_table(pa.Table.from_pylist([_row(item) for item in batch], records))
                tables = [pa.Table.from_pydict(_frames(item), frames) for item in batch]
                frame_file.write_table(pa.concat_tables(tables))
                heard = [pa.Table.from_pydict(_landmarks(item), landmarks) for item in batch]
                landmark_file.write_table(pa.concat_tables(heard))
                batch.clear()

        for item in items:
            batch.append(item)
            if len(batch) == _BATCH or sum(map(_heard, batch)) >= _BATCH_LANDMARKS:
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


def _heard(item: Item) -> int:
    """Count the landmarks of an item."""
    return len(item.frames.sound) if item.frames is not None and item.frames.sound is not None else 0


def _landmarks(item: Item) -> dict[str, Any]:
    names = ("record", "spec", "start_ms", "key", "pitch", "span", "frame")
    sound = item.frames.sound if item.frames is not None else None
    if sound is None:
        return {name: [] for name in names}
    start = np.round(sound.frame * FRAME_S * 1000).astype(np.int64)
    columns = [item.key] * len(sound), [sound.spec] * len(sound), start, sound.key, sound.pitch, sound.span, sound.frame
    return dict(zip(names, columns, strict=True))
