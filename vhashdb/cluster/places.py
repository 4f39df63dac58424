"""Where the files of a job are: on this machine, in an object store, or on a web server. The only room that imports fsspec.

A place is a URL that a person wrote. What a listing says may only name what lies below it, redirects are not followed, and no scheme is
known that would lead from one place to another.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, unquote_to_bytes, urlsplit

from vhashdb.content import HEAD
from vhashdb.errors import LimitExceeded, MediaError, UsageError
from vhashdb.store.job_values import Listed
from vhashdb.walking import walk

_PACKAGES: Final = {
    "s3": "s3fs", "gs": "gcsfs", "abfs": "adlfs", "az": "adlfs", "http": "aiohttp", "https": "aiohttp",
}  # fmt: skip
SCHEMES: Final = ("file", *_PACKAGES)
"""Of places: a person asks for one of these, or for nothing."""
PAGE: Final = 1000
"""Files of a listing that are written down together. Given by S3, whose answers have as many."""


class NotFetched(MediaError):
    """A file could not be had, or not to its end: another time it may be."""

    hint = "check the place and what this machine may read there"


@dataclass(frozen=True)
class Page:
    """Some files of a place, and where in it the listing goes on."""

    files: list[Listed]
    cursor: str


def is_place(name: str) -> bool:
    """Tell whether a name is a URL, and not a path."""
    return "://" in name


def place_of(name: str) -> str:
    """Return a place as a job has it; a path becomes a URL.

    Raises:
        UsageError: it is no place that files are read from, or has a password in it.
    """
    if not is_place(name):
        return _url(Path(os.path.abspath(name)))
    parts = urlsplit(name)
    hint = f"write one of {', '.join(f'{scheme}://' for scheme in SCHEMES)}, or a path"
    if parts.scheme not in SCHEMES or "::" in name:
        raise UsageError(f"{name[:200]!r} is no place that files are read from", hint=hint)
    if parts.scheme == "file":
        if parts.netloc or not parts.path:
            raise UsageError(f"{name[:200]!r} names no file of this machine", hint="write file:///PATH, or the path alone")
        return name
    if not parts.netloc:
        raise UsageError(f"{name[:200]!r} names no {'host' if parts.scheme.startswith('http') else 'bucket'}", hint=hint)
    user = parts.netloc.rpartition("@")[0]
    if ":" in user or (user and not parts.scheme.startswith("ab")):
        raise UsageError(
            "the URL has a user name or a password in it", hint="give credentials where the library of the store looks for them"
        )
    return name


def pages(place: str, cursor: str, *, sound: bool) -> Iterator[Page]:
    """Yield the files below a place, or the one that it is, some at a time; no more of them are in memory than a page, or one folder.

    Args:
        place: of `place_of`.
        cursor: of the last page that was dealt with; empty: begin at the beginning.
        sound: whether files with sound alone count, in folders of this machine; elsewhere this is known once a file is read.

    Raises:
        UsageError: the package is missing that knows such places.
        NotFetched: the place cannot be listed.
    """
    if place.startswith("file:"):
        yield from _chunks(_local(_path(place), sound=sound))
        return
    files = _files_of(place)
    try:
        yield from _keys(files, place, cursor) if place.startswith("s3:") else _chunks(_below(files, place, cursor))
    except (UsageError, MediaError):
        raise
    except Exception as error:  # each library has its own
        raise NotFetched(f"{place} cannot be listed: {_words(error)}") from error


class Fetched:
    """A file that is being read, from wherever it is, as a file object: at most ``most_bytes`` of it, and only forwards."""

    def __init__(self, place: str, *, most_bytes: int) -> None:
        """Open it.

        Raises:
            NotFetched: it is not there, or cannot be read.
        """
        self.name = place
        self._left = most_bytes
        try:
            self._file = _path(place).open("rb") if place.startswith("file:") else _files_of(place).open(place, "rb")
        except UsageError:
            raise
        except Exception as error:
            raise NotFetched(f"{place} cannot be read: {_words(error)}") from error
        self._ahead = b""

    def __enter__(self) -> Fetched:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def head(self) -> bytes:
        """Return the first bytes, and keep them for whoever reads."""
        while len(self._ahead) < HEAD and (block := self._read(HEAD - len(self._ahead))):
            self._ahead += block
        return self._ahead

    def read(self, size: int = -1) -> bytes:
        """Return some bytes; nothing at the end.

        Raises:
            LimitExceeded: there are more than are wanted.
            NotFetched: reading failed.
        """
        if self._ahead:
            block, self._ahead = self._ahead, b""
        else:
            block = self._read(size)
        self._left -= len(block)
        if self._left < 0:
            raise LimitExceeded(f"{self.name}: the file is larger than the limit", hint="raise the limit if it is meant to be this large")
        return block

    def _read(self, size: int) -> bytes:
        try:
            return bytes(self._file.read(size))
        except Exception as error:
            raise NotFetched(f"{self.name}: reading it ended early: {_words(error)}") from error


def _files_of(place: str) -> Any:
    """Return the file system of a place."""
    scheme = place.partition(":")[0]
    options: dict[str, Any] = {}
    if scheme.startswith("http"):  # nobody is sent anywhere else, whatever a server says
        options = {"allow_redirects": False, "client_kwargs": {"trust_env": False}}
    try:
        import fsspec

        return fsspec.filesystem(scheme, use_listings_cache=False, **options)
    except ImportError as error:
        raise UsageError(
            f"reading {scheme}:// needs fsspec and {_PACKAGES[scheme]}, which are not both installed",
            hint=f'pip install "vhashdb[cluster]" {_PACKAGES[scheme]}, on every machine that works',
        ) from error


def _local(path: Path, *, sound: bool) -> Iterator[Listed]:
    """The same files that `vhashdb add FOLDER` would take."""
    if not path.exists():
        raise NotFetched(f"{path}: no such file")
    for found in walk(path, sound=sound) if path.is_dir() else [None]:
        if found is not None and found.skipped:
            continue
        one = path if found is None else found.path
        try:
            state = one.stat()
        except OSError:  # reported when it is opened
            yield Listed(_url(one), "", -1)
        else:
            yield Listed(_url(one), f"{state.st_size}-{state.st_mtime_ns}", state.st_size)


def _keys(files: Any, place: str, cursor: str) -> Iterator[Page]:
    """All keys of a bucket that begin so, page by page as the store gives them."""
    bucket, _, prefix = place.removeprefix("s3://").partition("/")
    while True:
        answer = files.call_s3("list_objects_v2", Bucket=bucket, Prefix=prefix, StartAfter=cursor, MaxKeys=PAGE)
        some = answer.get("Contents", [])
        cursor = some[-1]["Key"] if some else cursor
        yield Page(
            [
                Listed(f"s3://{bucket}/{each['Key']}", f"{each['Size']}-{each.get('ETag', '')}", each["Size"])
                for each in some
                if not each["Key"].endswith("/") and (each["Key"] == prefix or _is_below(each["Key"], prefix))
            ],
            cursor,
        )
        if not answer.get("IsTruncated"):
            return


def _is_below(key: str, prefix: str) -> bool:
    """Tell whether a key lies in a folder: ``a/bc`` is none of ``a/b``."""
    return not prefix or prefix.endswith("/") or key.startswith(prefix + "/")


def _below(files: Any, place: str, cursor: str) -> Iterator[Listed]:
    """Every file below a place in the order of the parts of its name, those after a name; one folder at a time is in memory."""
    root = str(files._strip_protocol(place)).rstrip("/")
    if not place.endswith("/") and files.info(root)["type"] == "file":
        yield _listed(files, root, files.info(root))
        return
    yield from _folder(files, root, root, _parts(cursor.removeprefix(f"{files.unstrip_protocol(root)}/")))


def _folder(files: Any, root: str, here: str, after: tuple[str, ...]) -> Iterator[Listed]:
    entries = {}
    for entry in files.ls(here + ("/" if root.startswith("http") else ""), detail=True):
        name = str(entry["name"]).rstrip("/")
        if (
            name.startswith(here + "/")
            and not {"", ".", ".."} & set(_parts(name[len(here) + 1 :]))
            and not set("?#") & set(name[len(here) :])
        ):
            entries[name] = entry
    for name in sorted(entries, key=_parts):
        below = _parts(name[len(root) + 1 :])
        if entries[name]["type"] == "directory":
            if below >= after[: len(below)]:
                yield from _folder(files, root, name, after)
        elif below > after:
            yield _listed(files, name, entries[name])


def _listed(files: Any, name: str, facts: dict[str, Any]) -> Listed:
    size = facts.get("size")
    versions = (str(facts[key]) for key in ("ETag", "etag", "md5Hash", "generation", "last_modified", "mtime") if facts.get(key))
    return Listed(str(files.unstrip_protocol(name)), f"{size}-{next(versions, '')}", -1 if size is None else int(size))


def _chunks(found: Iterator[Listed]) -> Iterator[Page]:
    some: list[Listed] = []
    for one in found:
        some.append(one)
        if len(some) == PAGE:
            yield Page(some, one.path)
            some = []
    yield Page(some, some[-1].path if some else "")


def _parts(name: str) -> tuple[str, ...]:
    return tuple(name.split("/")) if name else ()


def _url(path: Path) -> str:
    return f"file://{quote(os.fsencode(path))}"


def _path(place: str) -> Path:
    return Path(os.fsdecode(unquote_to_bytes(urlsplit(place).path)))


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".partition("\n")[0][:300]
