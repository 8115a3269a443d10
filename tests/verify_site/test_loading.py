"""What the site's modules do when they are loaded: nothing that a copy of the process could not go on with."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import os, sys
from importlib import import_module
before = len(os.listdir("/proc/self/fd"))
import_module(sys.argv[1])
print(len(os.listdir("/proc/self/task")), len(os.listdir("/proc/self/fd")) - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="counts threads and descriptors in /proc")
@pytest.mark.parametrize("module", ["verify_site.app", "registry.api.receipt_api"])
def test_an_application_is_loaded_without_a_thread_or_an_open_file(module: str) -> None:
    told = subprocess.run([sys.executable, "-c", PROGRAM, module], check=True, capture_output=True, text=True)
    assert told.stdout.split() == ["1", "0"]
