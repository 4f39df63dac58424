"""The log of a service: one line for each request and for what an operator has to know, as text or as JSON."""

from __future__ import annotations

import contextlib
import datetime
import json
import logging
from collections.abc import Iterator
from typing import Any, Final, TextIO

from vhashdb.text import printable

LOGGERS: Final = ("vhashdb", "uvicorn.error", "opentelemetry")


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {"at": _at(record), "level": record.levelname.lower(), "logger": record.name}
        line |= getattr(record, "fields", None) or {"message": printable(record.getMessage())}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        fields = getattr(record, "fields", None)
        said = " ".join(f"{name}={printable(str(value))}" for name, value in fields.items()) if fields else printable(record.getMessage())
        trace = f"\n{self.formatException(record.exc_info)}" if record.exc_info else ""
        return f"{_at(record)} {record.levelname.lower()} {said}{trace}"


@contextlib.contextmanager
def log_to(stream: TextIO, *, as_json: bool, level: int = logging.INFO) -> Iterator[None]:
    """Write the log of the library and the service to a stream, for the duration of a ``with`` statement."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_Json() if as_json else _Text())
    loggers = [logging.getLogger(name) for name in LOGGERS]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(level)
    try:
        yield
    finally:
        for logger, was in zip(loggers, before, strict=True):
            logger.removeHandler(handler)
            logger.setLevel(was)


def _at(record: logging.LogRecord) -> str:
    return datetime.datetime.fromtimestamp(record.created, datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
