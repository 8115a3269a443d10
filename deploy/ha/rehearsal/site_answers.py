"""Whether a site answers."""

from __future__ import annotations

import urllib.request

PATIENCE_SECONDS = 2.0


def is_answering(address: str) -> bool:
    """Whether a GET is answered with 200."""
    try:
        with urllib.request.urlopen(address, timeout=PATIENCE_SECONDS) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
