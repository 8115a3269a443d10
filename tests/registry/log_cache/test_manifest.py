"""The manifest: what it names is believed as a whole, and only as it was written."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import orjson
import pytest

from certs.errors import KezhengError
from registry.log_cache.folder import CacheFolder
from registry.log_cache.manifest import (
    MANIFEST,
    Manifest,
    SegmentFile,
    decode_manifest,
    encode_manifest,
    new_series,
    read_manifest,
)

SEGMENTS = (SegmentFile("places-0", 0, 512, 500, "ab" * 32), SegmentFile("places-1", 512, 768, 256, "cd" * 32))
KNOWN = Manifest("0123456789abcdef", 3, 50_000, "ef" * 32, SEGMENTS)


def test_it_is_read_as_it_was_written() -> None:
    assert decode_manifest(encode_manifest(KNOWN)) == KNOWN
    assert KNOWN.names == [
        "manifest",
        "blocks-0123456789abcdef",
        "roots-0123456789abcdef",
        "places-0",
        "places-1",
    ]


def test_a_new_series_names_files_that_no_other_has() -> None:
    one, two = new_series(), new_series()
    assert (one.tiles, one.blocks_end, one.segments) == (0, 0, ())
    assert {one.blocks_file, one.roots_file}.isdisjoint({two.blocks_file, two.roots_file})
    assert decode_manifest(encode_manifest(one)) == one


def test_any_changed_byte_is_damage() -> None:
    written = encode_manifest(KNOWN)
    for at in range(len(written)):
        with pytest.raises(KezhengError, match="log_cache_damaged"):
            decode_manifest(written[:at] + bytes([written[at] ^ 1]) + written[at + 1 :])
    for other in (b"", written[:-1], written + b" "):
        with pytest.raises(KezhengError, match="log_cache_damaged"):
            decode_manifest(other)


@pytest.mark.parametrize("change", [{"format": 2}, {"order": "big" if sys.byteorder == "little" else "little"}])
def test_another_format_and_another_byte_order_are_not_used(change: dict[str, object]) -> None:
    content = orjson.dumps(orjson.loads(encode_manifest(KNOWN)[64:]) | change)
    with pytest.raises(KezhengError, match="log_cache_damaged"):
        decode_manifest(hashlib.sha256(content).hexdigest().encode() + content)


def test_without_a_usable_manifest_there_is_nothing(tmp_path: Path) -> None:
    folder = CacheFolder(tmp_path / "cache")
    folder.prepare()
    assert read_manifest(folder) is None
    folder.write_whole(MANIFEST, [b"damaged"])
    assert read_manifest(folder) is None
    folder.write_whole(MANIFEST, [encode_manifest(KNOWN)])
    assert read_manifest(folder) == KNOWN
