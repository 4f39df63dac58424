"""Files that a command writes: whole, or not at all."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import BinaryIO

import click


@contextlib.contextmanager
def written_to(path: str | None) -> Iterator[BinaryIO]:
    """Standard output, or a file that takes its place only when everything went well."""
    if path in (None, "-"):
        yield sys.stdout.buffer
        return
    part = f"{path}.part"
    try:
        file = open(part, "wb")  # noqa: SIM115  # closed below, before it is renamed
    except OSError as error:
        raise click.FileError(part, error.strerror or str(error)) from error
    try:
        with file:
            yield file
        os.replace(part, str(path))
    except BaseException:
        os.unlink(part)
        raise
