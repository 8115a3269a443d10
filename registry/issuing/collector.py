"""Building very many records without the collector looking through all of them again and again."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

_lock = Lock()
_paused_by = 0
_was_enabled = False


@contextmanager
def collector_paused() -> Iterator[None]:
    """No search for reference cycles meanwhile: records refer to nothing that refers to them.

    For pieces of work of seconds; several threads may be in one each. A process without the collector keeps that.
    """
    global _paused_by, _was_enabled
    with _lock:
        if _paused_by == 0:
            _was_enabled = gc.isenabled()
            gc.disable()
        _paused_by += 1
    try:
        yield
    finally:
        with _lock:
            _paused_by -= 1
            if _paused_by == 0 and _was_enabled:
                gc.enable()
