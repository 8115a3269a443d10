"""Receipts kept for a day in the home, so that page, picture and PDF of one check have a short address.

The address holds 128 random bits and nothing else finds a receipt. A receipt is in no backup of the database and is
removed when its day is over; whoever saved it needs nothing of this.
"""

from __future__ import annotations

import re
import secrets
from base64 import b32encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from os import utime
from pathlib import Path

from certs.errors import KezhengError
from keys.private_files import make_private_folder, write_new_private

KEPT_FOR = timedelta(hours=24)
MOST_KEPT = 20_000
"""Receipts of one day: some 1 GB at most."""
_ID = re.compile(r"[a-z2-7]{26}")
_ID_BYTES = 16


class KeptReceipts:
    """The receipts in one folder. Several processes may share it."""

    def __init__(self, folder: Path) -> None:
        make_private_folder(folder)
        self._folder = folder

    def keep(self, document: bytes, now: datetime) -> str:
        """Keep a receipt from now on; its id. Raises KezhengError ``receipt_unavailable`` when too many are kept."""
        if self._remove_old(now) >= MOST_KEPT:
            raise KezhengError("receipt_unavailable")
        identifier = b32encode(secrets.token_bytes(_ID_BYTES)).decode("ascii").rstrip("=").lower()
        path = self._path(identifier)
        write_new_private(path, document)
        utime(path, (now.timestamp(), now.timestamp()))
        return identifier

    def find(self, identifier: str, now: datetime) -> bytes:
        """A receipt by its id. Raises KezhengError ``receipt_unknown``, also when its day is over."""
        path = self._path(identifier)
        try:
            if not _ID.fullmatch(identifier) or _is_old(path, now):
                raise KezhengError("receipt_unknown")
            return path.read_bytes()
        except FileNotFoundError as error:
            raise KezhengError("receipt_unknown") from error

    def _remove_old(self, now: datetime) -> int:
        """How many are left."""
        left = 0
        for path in self._files():
            try:
                if _is_old(path, now):
                    path.unlink()
                else:
                    left += 1
            except FileNotFoundError:
                continue  # another process was quicker
        return left

    def _files(self) -> Iterator[Path]:
        return self._folder.glob("*.json")

    def _path(self, identifier: str) -> Path:
        return self._folder / f"{identifier}.json"


def _is_old(path: Path, now: datetime) -> bool:
    return now - datetime.fromtimestamp(path.stat().st_mtime, UTC) >= KEPT_FOR
