"""What the public site needs to know: where the home and the database are, its own address, and trusted
proxies.

Environment variables with the prefix ``KEZHENG_``. Defaults and the home's settings file are the registry's affair:
whoever starts the site tells it all it needs, and it knows nothing of the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from certs.errors import KezhengError
from certs.qr import check_public_url

PREFIX = "KEZHENG_"
PINNED_ROOT_FILE = "pinned-root.jwk"
WELL_KNOWN_FOLDER = "well-known"
CACHE_FOLDER = "cache"


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

    @property
    def registry_url(self) -> str | None:
        """Where the registry role answers, None where there is none."""

    @property
    def cache_folder(self) -> Path:
        """Where this machine keeps what it has read of the register."""


@dataclass(frozen=True, slots=True)
class PublicSettings:
    """The settings of a site that runs by itself."""

    home: Path
    database_url: str
    public_url: str
    proxies: tuple[str, ...] = ()
    registry_url: str | None = None
    cache: Path | None = None

    @property
    def cache_folder(self) -> Path:
        """Where this machine keeps what it has read of the register: in the home unless it is told otherwise."""
        return self.cache or self.home / CACHE_FOLDER


def load_public_settings(environ: Mapping[str, str]) -> PublicSettings:
    """The settings in the environment, as `kezheng serve` hands them to the site's process.

    Raises KezhengError ``settings_invalid`` naming what is missing, ``public_url_invalid``,
    ``public_url_not_https``.
    """
    cache = environ.get(f"{PREFIX}CACHE")
    return PublicSettings(
        home=Path(_given(environ, "HOME")),
        database_url=_given(environ, "DATABASE_URL"),
        public_url=check_public_url(_given(environ, "PUBLIC_URL")),
        proxies=tuple(proxy.strip() for proxy in environ.get(f"{PREFIX}PROXIES", "").split(",") if proxy.strip()),
        registry_url=environ.get(f"{PREFIX}REGISTRY_URL") or None,
        cache=Path(cache) if cache else None,
    )


def _given(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(PREFIX + name)
    if not value:
        raise KezhengError("settings_invalid", name=PREFIX + name)
    return value
