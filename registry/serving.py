"""Running the processes: the public site, the worker that keeps its signed files fresh, the registry role that signs.

The public site is another program: it is started by name, with the environment of its home, and knows no keys.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import NoReturn

import uvicorn

from certs.errors import KezhengError
from keys.hsm_pin import forget_secrets
from registry.api.receipt_api import create_registry_app
from registry.home import Home, open_home
from registry.settings import Settings

SITE = "verify_site.app:from_environment"
LOOPBACK = "127.0.0.1"
WORK_INTERVAL_SECONDS = 10
GRACE_SECONDS = 10
"""How long requests that are being answered may take when a server is ended."""
_LOGGER = logging.getLogger(__name__)


def serve_public(settings: Settings, host: str, port: int, workers: int) -> NoReturn:
    """Become the public site: this process goes on as another program, started without passphrase and PIN.

    To take them out of the environment would not do: the system shows what a process was started with.
    """
    command = _site_command(host, port, workers)
    sys.stdout.flush()
    os.execve(command[0], command, _site_environ(settings, os.environ))


def serve_all(settings: Settings, environ: Mapping[str, str], host: str, port: int, workers: int) -> None:
    """Serve the public site with a worker and a registry role beside it, each its own process, which end together."""
    # A signal becomes an exception, so that the others are ended too.
    signal.signal(signal.SIGTERM, _leave)
    registry_port = _free_port()
    settings = replace(settings, registry_url=f"http://{LOOPBACK}:{registry_port}")
    running: list[subprocess.Popen[bytes]] = []
    try:
        running.append(_start_role(settings, environ, "worker"))
        running.append(_start_role(settings, environ, "registry", "--port", str(registry_port)))
        running.append(_start(_site_command(host, port, workers), _site_environ(settings, environ)))
        status = running[-1].wait()
    finally:
        _end(running)
    sys.exit(status)


def _site_command(host: str, port: int, workers: int) -> list[str]:
    """The public site as a program of its own, which knows no keys."""
    options = ["--factory", "--host", host, "--port", str(port), "--workers", str(workers), "--log-level", "warning"]
    off = ["--no-access-log", "--no-proxy-headers", "--no-server-header"]
    return [sys.executable, "-m", "uvicorn", SITE, *options, *off, "--timeout-graceful-shutdown", str(GRACE_SECONDS)]


def _site_environ(settings: Settings, environ: Mapping[str, str]) -> dict[str, str]:
    given = {**environ, **site_environment(settings)}
    forget_secrets(given)
    return given


def _start_role(
    settings: Settings, environ: Mapping[str, str], role: str, *options: str
) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", "from registry.cli import main; main()", "serve", "--role", role, *options]
    return _start(command, {**environ, **site_environment(settings)})


def _start(command: list[str], environ: Mapping[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, env=environ, stdin=subprocess.DEVNULL, start_new_session=True)


def _end(running: Sequence[subprocess.Popen[bytes]]) -> None:
    """End processes together and wait until they have gone."""
    for process in running:
        process.terminate()
    for process in running:
        process.wait(timeout=2 * GRACE_SECONDS)


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
            timeout_graceful_shutdown=GRACE_SECONDS,
        )


def _leave(_signal: int, _frame: object) -> None:
    sys.exit(0)


def work_for_ever(settings: Settings, environ: Mapping[str, str]) -> None:
    """Keep the signed files fresh until the process is stopped.

    What is refused is told and tried again: a mirror that does not answer for a minute must not end the worker.
    """
    with open_home(settings, environ) as home:
        while True:
            try:
                _work_once(home, datetime.now(UTC))
            except KezhengError as error:
                _LOGGER.warning("%s", error)
            time.sleep(WORK_INTERVAL_SECONDS)


def _work_once(home: Home, now: datetime) -> None:
    with home.recording() as tx:
        home.publish_if_needed(tx, now)


def site_environment(settings: Settings) -> dict[str, str]:
    """The settings that the site's own process reads."""
    return {
        "KEZHENG_HOME": str(settings.home.resolve()),
        "KEZHENG_DATABASE_URL": settings.public_database_url or settings.database_url,
        "KEZHENG_PUBLIC_URL": settings.public_url,
        "KEZHENG_PROXIES": ",".join(settings.proxies),
        "KEZHENG_REGISTRY_URL": settings.registry_url or "",
        "KEZHENG_CACHE": str(settings.cache_folder.resolve()),
    }
