"""A register with one certificate, and its registry role."""

from __future__ import annotations

import pytest
from register_desk import Desk
from registry_role import RegistryRole, registry_role


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def role(desk: Desk) -> RegistryRole:
    return registry_role(desk)
