"""The highest (epoch, version) of trust lists that this home has met, per root: the order never goes backwards."""

from __future__ import annotations

from contextlib import suppress

import orjson

from certs.trust_list import RootKey
from registry.settings import Settings

FILE = "trust-seen.json"


def highest_seen(settings: Settings, root: RootKey) -> tuple[int, int] | None:
    """What was met before under this root, or None."""
    seen = _read(settings).get(root.fingerprint)
    return (int(seen[0]), int(seen[1])) if isinstance(seen, list) and len(seen) == 2 else None


def remember_seen(settings: Settings, root: RootKey, order: tuple[int, int]) -> None:
    """Keep the highest. A home that cannot be written to verifies all the same."""
    known = _read(settings)
    before = highest_seen(settings, root)
    if before is not None and before >= order:
        return
    known[root.fingerprint] = list(order)
    path = settings.home / FILE
    beside = path.with_name(f".{FILE}.part")
    with suppress(OSError):
        beside.write_bytes(orjson.dumps(known))
        beside.replace(path)


def _read(settings: Settings) -> dict[str, list[int]]:
    path = settings.home / FILE
    try:
        known = orjson.loads(path.read_bytes()) if path.is_file() else {}
    except orjson.JSONDecodeError:
        return {}
    return known if isinstance(known, dict) else {}
