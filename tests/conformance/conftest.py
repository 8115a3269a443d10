"""Where the public test vectors lie: beside the checkout, not in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

VECTORS = Path(__file__).resolve().parents[3] / "shared" / "vectors"


@pytest.fixture(scope="session")
def vector_files() -> Callable[[str], list[Path]]:
    """Finds the public vectors that a pattern names; skips, saying why, when there are none here."""

    def find(pattern: str) -> list[Path]:
        if not VECTORS.is_dir():
            pytest.skip("the public test vectors are not beside this checkout (../shared/vectors)")
        found = sorted(VECTORS.glob(pattern))
        assert found, f"no vector file matches {pattern}"
        return found

    return find
