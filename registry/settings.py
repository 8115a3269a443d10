"""Settings: the environment with the prefix ``KEZHENG_``, else ``kezheng.toml`` in the home, else a default."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from certs.authority import AuthorityLimits
from certs.delegation import LONGEST
from certs.errors import KezhengError
from certs.qr import check_public_url

PREFIX = "KEZHENG_"
DEFAULT_HOME = Path("var")
DEFAULT_REGISTRY_NAME = "可证登记机构"
DEFAULT_PUBLIC_URL = "http://127.0.0.1:8000"
SETTINGS_FILE = "kezheng.toml"
ENVIRONMENTS = ("production", "demo")
LARGEST_PORT = 65_535


@dataclass(frozen=True, slots=True)
class Settings:
    """Where things are and what they are called. Lengths carry their unit in the name.

    ``archive``: where the archive lies, in production another disk; without it in the home.
    ``cache``: where this machine keeps what it has read of the register; without it in the home.
    ``hsm_module``: library of a hardware module in which new signing keys are made, ``hsm_token`` the token's label.
    ``public_database_url``: the database as the public side reads it, where that is another user or a standby.
    ``jobs_database_url``: where jobs are kept when not with the register (a file in the home beside SQLite).
    ``log_witness``: folder or http(s) address of a mirror of this register's log, with which every append must agree.
    ``registry_url``: where the public site reaches the registry role; without it there are no signed receipts.
    ``worker_port``: port of loopback on which the worker tells operations how it is; without it nowhere.
    """

    home: Path
    database_url: str
    public_url: str
    environment: str = "production"
    limits: AuthorityLimits = field(default_factory=AuthorityLimits)
    trust_list_days: int = 30
    status_hours: int = 72
    delegation_days: int = 365
    proxies: tuple[str, ...] = ()
    log_witness: str | None = None
    registry_url: str | None = None
    signatures_per_minute: int = 1_000_000
    hsm_module: Path | None = None
    hsm_token: str = "kezheng"
    registry_name: str = DEFAULT_REGISTRY_NAME
    archive: Path | None = None
    cache: Path | None = None
    jobs_database_url: str | None = None
    public_database_url: str | None = None
    worker_port: int | None = None

    @property
    def archive_folder(self) -> Path:
        """What `kezheng recover` restores from: everything in the register with what stands behind it, sealed."""
        return self.archive or self.home / "archive"

    @property
    def cache_folder(self) -> Path:
        """What this machine has read of the register, made again whenever it is missing."""
        return self.cache or self.home / "cache"

    @property
    def keys_folder(self) -> Path:
        """The keystore."""
        return self.home / "keys"

    @property
    def exports_folder(self) -> Path:
        """Where certificates are written unless ``--out`` says otherwise."""
        return self.home / "exports"

    @property
    def log_folder(self) -> Path:
        """The public register as files: checkpoint, tiles, entry bundles, index."""
        return self.home / "log"

    @property
    def receipts_folder(self) -> Path:
        """Receipts of the last day."""
        return self.home / "receipts"

    @property
    def pinned_root_file(self) -> Path:
        """The trust anchor of this home (``kezheng trust pin`` replaces it)."""
        return self.home / "pinned-root.jwk"

    @property
    def well_known_folder(self) -> Path:
        """Text files served at the site's root, such as a messenger's domain check."""
        return self.home / "well-known"


def load_settings(home: Path | None, environ: Mapping[str, str]) -> Settings:
    """The settings of a home.

    Raises KezhengError ``settings_invalid``, ``public_url_invalid``, ``public_url_not_https``.
    """
    folder = home or Path(environ.get("KEZHENG_HOME") or DEFAULT_HOME)
    values = _file_values(folder / SETTINGS_FILE)
    given = {name.removeprefix(PREFIX).lower(): value for name, value in environ.items() if name.startswith(PREFIX)}
    values |= given
    environment = str(values.get("environment", "production"))
    if environment not in ENVIRONMENTS:
        raise KezhengError("settings_invalid", name="environment")
    defaults = AuthorityLimits()
    return Settings(
        home=folder,
        database_url=str(values.get("database_url") or f"sqlite:///{folder.resolve() / 'kezheng.db'}"),
        public_url=check_public_url(str(values.get("public_url") or DEFAULT_PUBLIC_URL)),
        environment=environment,
        limits=AuthorityLimits(
            run_off_days=_whole(values, "run_off_days", defaults.run_off_days),
            assessment_window_days=_whole(values, "assessment_window_days", defaults.assessment_window_days),
            log_delay_hours=_whole(values, "log_delay_hours", defaults.log_delay_hours),
        ),
        trust_list_days=_whole(values, "trust_list_days", 30),
        status_hours=_whole(values, "status_hours", 72),
        delegation_days=_delegation_days(values),
        proxies=_addresses(values.get("proxies", ())),
        hsm_module=Path(str(values["hsm_module"])) if values.get("hsm_module") else None,
        hsm_token=str(values.get("hsm_token") or "kezheng"),
        signatures_per_minute=_whole(values, "signatures_per_minute", 1_000_000),
        registry_name=str(values.get("registry_name") or DEFAULT_REGISTRY_NAME),
        log_witness=str(values.get("log_witness") or "") or None,
        registry_url=_address(values, "registry_url"),
        archive=Path(str(values["archive"])) if values.get("archive") else None,
        cache=Path(str(values["cache"])) if values.get("cache") else None,
        jobs_database_url=str(values.get("jobs_database_url") or "") or None,
        public_database_url=str(values.get("public_database_url") or "") or None,
        worker_port=_port(values, "worker_port"),
    )


def _file_values(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8")) if path.exists() else {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise KezhengError("settings_invalid", name=SETTINGS_FILE) from error


def _whole(values: dict[str, Any], name: str, default: int) -> int:
    try:
        number = int(values.get(name, default))
    except (TypeError, ValueError) as error:
        raise KezhengError("settings_invalid", name=name) from error
    if number < 1:
        raise KezhengError("settings_invalid", name=name)
    return number


def _port(values: dict[str, Any], name: str) -> int | None:
    """A TCP port, None where none is given."""
    if values.get(name) in (None, ""):
        return None
    number = _whole(values, name, 0)
    if number > LARGEST_PORT:
        raise KezhengError("settings_invalid", name=name)
    return number


def _address(values: dict[str, Any], name: str) -> str | None:
    """An http(s) address, None where none is given."""
    address = str(values.get(name) or "")
    if address and not address.startswith(("http://", "https://")):
        raise KezhengError("settings_invalid", name=name)
    return address or None


def _delegation_days(values: dict[str, Any]) -> int:
    days = _whole(values, "delegation_days", 365)
    if days > LONGEST.days:
        raise KezhengError("settings_invalid", name="delegation_days")
    return days


def _addresses(value: Any) -> tuple[str, ...]:
    listed = value.split(",") if isinstance(value, str) else value
    return tuple(str(address).strip() for address in listed if str(address).strip())
