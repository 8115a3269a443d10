"""Running the processes: the public site, and the worker that keeps its signed files fresh.

The public site is another program: it is started by name, with the environment of its home, and knows no keys.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime

import uvicorn

from registry.home import open_home
from registry.settings import Settings

SITE = "verify_site.app:from_environment"
WORK_INTERVAL_SECONDS = 60


def serve_public(settings: Settings, host: str, port: int, workers: int) -> None:
    """Serve the public site until stopped."""
    os.environ.update(site_environment(settings))
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


def serve_with_worker(settings: Settings, environ: Mapping[str, str], host: str, port: int, workers: int) -> None:
    """Serve the public site with a worker process beside it, which ends with it."""
    # The server hands a signal on when it has closed: as an exception it lets the worker be ended too.
    signal.signal(signal.SIGTERM, _leave)
    worker = subprocess.Popen(
        [sys.executable, "-c", "from registry.cli import main; main()", "serve", "--role", "worker"],
        env={**environ, **site_environment(settings)},
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        serve_public(settings, host, port, workers)
    finally:
        worker.terminate()
        worker.wait(timeout=10)


def _leave(_signal: int, _frame: object) -> None:
    sys.exit(0)


def work_for_ever(settings: Settings, environ: Mapping[str, str]) -> None:
    """Keep the signed files fresh until the process is stopped."""
    with open_home(settings, environ) as home:
        while True:
            now = datetime.now(UTC)
            with home.store.transaction() as tx:
                home.publish_if_needed(tx, now)
            time.sleep(WORK_INTERVAL_SECONDS)


def site_environment(settings: Settings) -> dict[str, str]:
    """The settings that the site's own process reads."""
    return {
        "KEZHENG_HOME": str(settings.home.resolve()),
        "KEZHENG_DATABASE_URL": settings.database_url,
        "KEZHENG_PUBLIC_URL": settings.public_url,
        "KEZHENG_PROXIES": ",".join(settings.proxies),
    }
