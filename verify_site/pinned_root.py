"""The trust anchor in a file: whoever serves the data does not decide which root is believed."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path

from certs.canonical import decode_json
from certs.root_chain import RootKey, root_from_jwk


class PinnedRoot:
    """The root pinned in one file."""

    def __init__(self, root_file: Path) -> None:
        self._root_file = root_file

    def root_marker(self) -> Hashable:
        """Another value when the file has changed."""
        if not self._root_file.exists():
            return None
        stat = self._root_file.stat()
        return stat.st_mtime_ns, stat.st_size

    def pinned_root(self) -> RootKey | None:
        """The root, or None when there is no file. Raises KezhengError ``key_malformed`` or
        ``json_malformed``.
        """
        if not self._root_file.exists():
            return None
        return root_from_jwk(decode_json(self._root_file.read_bytes()))
