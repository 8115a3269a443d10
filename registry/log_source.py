"""Where somebody's published register is read from: a folder, or an http(s) address.

Whoever serves it is not trusted with anything: sizes and times are bounded here, and everything that is read is judged
by signatures and hashes elsewhere.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx

from certs.errors import KezhengError
from certs.evidence import LOG_FOLDER
from certs.log_paths import CHECKPOINT_FILE
from certs.tlog.frontier import TILE_WIDTH
from certs.tlog.merkle import HASH_SIZE
from certs.tlog.note import MAX_NOTE
from certs.tlog.tiles import MAX_ENTRY

SILENCE_SECONDS = 10.0
"""How long a server may say nothing."""
FILE_SECONDS = 120.0
"""How long one file may take altogether."""
MAX_DOCUMENT = 64 * 1024 * 1024
MAX_BUNDLE = TILE_WIDTH * (2 + MAX_ENTRY)
MAX_TILE = TILE_WIDTH * HASH_SIZE
MAX_INDEX_BLOCK = 65_536 * 16
SITE_FOLDER = "published/"
"""Where a site keeps what it publishes, below its own address."""
_ADDRESSES = ("http://", "https://")
_GONE = (httpx.codes.NOT_FOUND, httpx.codes.GONE)

ReadPublished = Callable[[str], bytes | None]
"""The file at a path of a publication, None when there is none."""


class LogSource(NamedTuple):
    """A publication: the register lies below ``log/``, the trust list beside it."""

    where: str
    file: ReadPublished

    def log_file(self, path: str) -> bytes | None:
        """A file of the register."""
        return self.file(LOG_FOLDER + path)


@contextmanager
def open_log_source(where: str) -> Iterator[LogSource]:
    """The publication in a folder, below an address, or below a site's address.

    Raises KezhengError ``log_source_unreachable``, also while reading: for a server that does not answer in time, sends
    more than such a file can have, or sends the reader elsewhere.
    """
    if not where.startswith(_ADDRESSES):
        yield LogSource(where, _folder_reader(where))
        return
    # Compressed answers could be small on the way and endless here.
    with httpx.Client(timeout=SILENCE_SECONDS, headers={"accept-encoding": "identity"}) as client:
        yield LogSource(where, _address_reader(client, where))


def longest_file(name: str) -> int:
    """How many bytes a published file of this name may have."""
    path = name.removeprefix(LOG_FOLDER) if name.startswith(LOG_FOLDER) else ""
    if path == CHECKPOINT_FILE:
        return MAX_NOTE
    if path.startswith("tile/"):
        return MAX_BUNDLE if path.startswith("tile/entries/") else MAX_TILE
    return MAX_INDEX_BLOCK if path.startswith("index/") else MAX_DOCUMENT


def _folder_reader(where: str) -> ReadPublished:
    folder = Path(where)
    if not folder.is_dir():
        raise KezhengError("log_source_unreachable", where=where)

    def read(name: str) -> bytes | None:
        try:
            with (folder / name).open("rb") as file:
                content = file.read(longest_file(name) + 1)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        except OSError as error:
            raise KezhengError("log_source_unreachable", where=where) from error
        return _bounded(content, name, where)

    return read


def _address_reader(client: httpx.Client, where: str) -> ReadPublished:
    base = f"{where.rstrip('/')}/"
    if _fetch(client, base, LOG_FOLDER + CHECKPOINT_FILE) is None:
        base += SITE_FOLDER
    return lambda name: _fetch(client, base, name)


def _fetch(client: httpx.Client, base: str, name: str) -> bytes | None:
    """A file below an address; redirections are not followed, because an answer comes from where it was asked."""
    limit, ends_at = longest_file(name), time.monotonic() + FILE_SECONDS
    try:
        with client.stream("GET", base + name) as response:
            if response.status_code in _GONE:
                return None
            content = bytearray()
            for part in response.iter_bytes():
                content += part
                if len(content) > limit or time.monotonic() > ends_at:
                    break
            if response.status_code != httpx.codes.OK or time.monotonic() > ends_at:
                raise KezhengError("log_source_unreachable", where=base + name)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise KezhengError("log_source_unreachable", where=base + name) from error
    return _bounded(bytes(content), name, base + name)


def _bounded(content: bytes, name: str, where: str) -> bytes:
    if len(content) > longest_file(name):
        raise KezhengError("log_source_unreachable", where=where)
    return content
