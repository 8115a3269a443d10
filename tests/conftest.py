"""Settings of every test.

Browsers are heavy, so all browser tests share one worker of a parallel run. Property tests have no deadline for
one example: on a busy machine the clock says nothing about the property.
"""

from __future__ import annotations

import hypothesis
import pytest

hypothesis.settings.register_profile("project", deadline=None, print_blob=True)
hypothesis.settings.load_profile("project")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.xdist_group("browser"))
