"""What the public site needs to know: where the home and the database are, its own address, and trusted
proxies.

Environment variables with the prefix ``KEZHENG_``, else ``kezheng.toml`` in the home, else a default. The
site reads its own few settings so that the public role knows nothing of the registry's others.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from certs.errors import KezhengError
from certs.qr import check_public_url

SETTINGS_FILE = "kezheng.toml"
PINNED_ROOT_FILE = "pinned-root.jwk"
WELL_KNOWN_FOLDER = "well-known"


class SiteSettings(Protocol):
    """The settings that the site reads; the registry's own settings have them too."""

    @property
    def home(self) -> Path:
        """The home folder."""

    @property
    def database_url(self) -> str:
        """The database, opened for reading public views only."""

    @property
    def public_url(self) -> str:
        """Scheme, host and port under which the site is reached."""

    @property
    def proxies(self) -> tuple[str, ...]:
        """Addresses or networks whose ``X-Forwarded-For`` is believed."""


@dataclass(frozen=True, slots=True)
class PublicSettings:
    """The settings of a site that runs by itself."""

    home: Path
    database_url: str
    public_url: str
    proxies: tuple[str, ...] = ()


def load_public_settings(environ: Mapping[str, str]) -> PublicSettings:
    """The settings of the environment's home.

    Raises KezhengError ``settings_invalid``, ``public_url_invalid``, ``public_url_not_https``.
    """
    home = Path(environ.get("KEZHENG_HOME") or "var")
    values = _file_values(home / SETTINGS_FILE)
    for name in ("database_url", "public_url", "proxies"):
        if given := environ.get(f"KEZHENG_{name.upper()}"):
            values[name] = given
    proxies = values.get("proxies", ())
    listed = proxies.split(",") if isinstance(proxies, str) else proxies
    return PublicSettings(
        home=home,
        database_url=str(values.get("database_url") or f"sqlite:///{home.resolve() / 'kezheng.db'}"),
        public_url=check_public_url(str(values.get("public_url") or "http://127.0.0.1:8000")),
        proxies=tuple(str(proxy).strip() for proxy in listed if str(proxy).strip()),
    )


def _file_values(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8")) if path.exists() else {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise KezhengError("settings_invalid", name=SETTINGS_FILE) from error
