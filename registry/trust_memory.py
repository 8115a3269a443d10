"""The newest signed files that this home has met, per root: their order never goes backwards."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import orjson

from certs.evidence import Seen
from certs.root_chain import RootKey
from registry.settings import Settings

FILE = "trust-seen.json"


def newest_seen(settings: Settings, root: RootKey) -> Seen | None:
    """What was met before under this root, or None."""
    found = _read(settings).get(root.fingerprint)
    try:
        return None if found is None else Seen(**found)
    except TypeError:
        return None


def remember_seen(settings: Settings, root: RootKey, seen: Seen) -> None:
    """Keep what is newer. A home that cannot be written to verifies all the same."""
    before = newest_seen(settings, root)
    seen = seen.after(before)
    if before == seen:
        return
    known = _read(settings) | {root.fingerprint: seen._asdict()}
    path = settings.home / FILE
    beside = path.with_name(f".{FILE}.part")
    with suppress(OSError):
        beside.write_bytes(orjson.dumps(known))
        beside.replace(path)


def _read(settings: Settings) -> dict[str, dict[str, Any]]:
    path = settings.home / FILE
    try:
        known = orjson.loads(path.read_bytes()) if path.is_file() else {}
    except orjson.JSONDecodeError:
        return {}
    return known if isinstance(known, dict) else {}
