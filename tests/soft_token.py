"""Tokens of SoftHSM2, a PKCS#11 module in software: each test gets a new one in a folder of its own."""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pkcs11
import pytest
from pkcs11.types import Session

LIBRARIES = (
    Path("/usr/lib/softhsm/libsofthsm2.so"),
    *sorted(Path("/usr/lib").glob("*/softhsm/libsofthsm2.so")),
    Path("/usr/local/lib/softhsm/libsofthsm2.so"),
)
CONFIGURATION_VARIABLE = "SOFTHSM2_CONF"
PIN = "482913"
SECURITY_OFFICER_PIN = "90817263"


def softhsm_library() -> Path | None:
    """The module's library, None where Debian's softhsm2 is not installed."""
    return next((path for path in LIBRARIES if path.is_file()), None)


def write_configuration(folder: Path) -> Path:
    """A configuration that keeps its tokens in a folder; its path is the value of ``SOFTHSM2_CONF``."""
    tokens = folder / "tokens"
    tokens.mkdir()
    path = folder / "softhsm2.conf"
    path.write_text(f"directories.tokendir = {tokens}\nobjectstore.backend = file\nlog.level = ERROR\n")
    return path


@contextmanager
def soft_module(folder: Path) -> Iterator[Path]:
    """The library of SoftHSM2 with its tokens in a folder; the test is skipped where it is not installed."""
    library = softhsm_library()
    if library is None:
        pytest.skip("Debian's softhsm2 is not installed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CONFIGURATION_VARIABLE, str(write_configuration(folder)))
        yield library


class SoftToken(NamedTuple):
    """One token: the module's library, the token's label, the PIN of its user."""

    module: Path
    label: str
    pin: str

    def session(self) -> Session:
        """A session beside the program's own; its close logs the whole process out of the token."""
        return pkcs11.lib(str(self.module)).get_token(token_label=self.label).open(rw=True, user_pin=self.pin)


def make_token(module: Path) -> SoftToken:
    """A new token under the configuration of the environment."""
    label = f"token-{secrets.token_hex(6)}"
    pins = ["--so-pin", SECURITY_OFFICER_PIN, "--pin", PIN]
    command = ["softhsm2-util", "--init-token", "--free", "--label", label, *pins]
    subprocess.run(command, check=True, capture_output=True, timeout=30)
    return SoftToken(module, label, PIN)
