"""Where the PIN of the hardware module comes from, and what no process may hold that needs no key."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from pathlib import Path

from certs.errors import KezhengError
from keys import passphrase
from keys.private_files import read_private

VARIABLE = "KEZHENG_HSM_PIN"
SECRET_VARIABLES = (passphrase.VARIABLE, VARIABLE)


def pin_file(home: Path) -> Path:
    """Where a home keeps the PIN unless the environment gives it."""
    return home / "keys" / "hsm-pin"


def read_hsm_pin(home: Path, environ: Mapping[str, str]) -> str:
    """The PIN of the module's user: ``KEZHENG_HSM_PIN``, else the file, without a line break at its end.

    Raises KezhengError ``hsm_pin_missing``, ``keystore_permissions`` when others may read the file.
    """
    path = pin_file(home)
    found = environ.get(VARIABLE, "")
    if not found and path.is_file():
        found = read_private(path).decode("utf-8", "replace").removesuffix("\n").removesuffix("\r")
    if not found:
        raise KezhengError("hsm_pin_missing", variable=VARIABLE, path=str(path))
    return found


def forget_secrets(environ: MutableMapping[str, str]) -> None:
    """Take passphrase and PIN out of an environment, before a process that only shows pages gets it."""
    for variable in SECRET_VARIABLES:
        environ.pop(variable, None)
