"""Sites that tests ask, and the event loop they run on."""

from __future__ import annotations

from pathlib import Path

import pytest
from site_simulator import TestSite, make_site, sample_world


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def made(tmp_path: Path) -> TestSite:
    """A site over the sample world."""
    world, _ = sample_world()
    return make_site(world, tmp_path)


@pytest.fixture
def first(made: TestSite) -> str:
    """The code of the institution that issues."""
    return next(iter(made.world.institutions))
