"""Running the processes: the public site, the worker that keeps its signed files fresh, the registry role that signs.

The public site is another program: it is started by name, with the environment of its home, and knows no keys.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import uvicorn

from keys.hsm_pin import forget_secrets
from registry.api.receipt_api import create_registry_app
from registry.home import open_home
from registry.settings import Settings

SITE = "verify_site.app:from_environment"
LOOPBACK = "127.0.0.1"
WORK_INTERVAL_SECONDS = 10


def serve_public(settings: Settings, host: str, port: int, workers: int) -> None:
    """Serve the public site until stopped."""
    os.environ.update(site_environment(settings))
    forget_secrets(os.environ)
    uvicorn.run(
        SITE,
        factory=True,
        host=host,
        port=port,
        workers=workers,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        log_level="warning",
        timeout_graceful_shutdown=10,
    )


def serve_all(settings: Settings, environ: Mapping[str, str], host: str, port: int, workers: int) -> None:
    """Serve the public site with a worker and a registry role beside it, each its own process, which end with it."""
    # The server hands a signal on when it has closed: as an exception it lets the others be ended too.
    signal.signal(signal.SIGTERM, _leave)
    registry_port = _free_port()
    settings = replace(settings, registry_url=f"http://{LOOPBACK}:{registry_port}")
    beside = [
        _start_role(settings, environ, "worker"),
        _start_role(settings, environ, "registry", "--port", str(registry_port)),
    ]
    try:
        serve_public(settings, host, port, workers)
    finally:
        for process in beside:
            process.terminate()
        for process in beside:
            process.wait(timeout=10)


def _start_role(
    settings: Settings, environ: Mapping[str, str], role: str, *options: str
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", "from registry.cli import main; main()", "serve", "--role", role, *options],
        env={**environ, **site_environment(settings)},
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def serve_registry(settings: Settings, environ: Mapping[str, str], host: str, port: int) -> None:
    """Serve the registry role until stopped. It is meant for the public site alone, never for the world."""
    with open_home(settings, environ) as home:
        uvicorn.run(
            create_registry_app(home),
            host=host,
            port=port,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            log_level="warning",
            timeout_graceful_shutdown=10,
        )


def _leave(_signal: int, _frame: object) -> None:
    sys.exit(0)


def work_for_ever(settings: Settings, environ: Mapping[str, str]) -> None:
    """Keep the signed files fresh until the process is stopped."""
    with open_home(settings, environ) as home:
        while True:
            now = datetime.now(UTC)
            with home.recording() as tx:
                home.publish_if_needed(tx, now)
            time.sleep(WORK_INTERVAL_SECONDS)


def site_environment(settings: Settings) -> dict[str, str]:
    """The settings that the site's own process reads."""
    return {
        "KEZHENG_HOME": str(settings.home.resolve()),
        "KEZHENG_DATABASE_URL": settings.database_url,
        "KEZHENG_PUBLIC_URL": settings.public_url,
        "KEZHENG_PROXIES": ",".join(settings.proxies),
        "KEZHENG_REGISTRY_URL": settings.registry_url or "",
    }
