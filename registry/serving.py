"""Starting the roles: each becomes, or starts, a group of processes that a signal replaces without a pause.

The public site is another program: it is started by name, with the environment of its home, and knows no keys.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import NoReturn

from certs.errors import KezhengError
from registry.home import open_home
from registry.role_counts import COUNTS_FOLDER
from registry.settings import PREFIX, Settings
from verify_site.webserver.listening import listen

SITE = "verify_site.app:from_environment"
WEB_SERVER = "verify_site.webserver"
REGISTRY = "registry.api.receipt_api:from_environment"
WORKER = "from registry.worker_role import main; main()"
READY_PATH = "/readyz"
LOOPBACK = "127.0.0.1"
END_SECONDS = 40
"""How long a role may take to end: its requests are answered, its connections closed, its jobs handed on."""


def serve_public(settings: Settings, host: str, port: int, workers: int) -> NoReturn:
    """Become the public site: this process goes on as another program, started without passphrase and PIN.

    To take them out of the environment would not do: the system shows what a process was started with.
    Raises KezhengError ``address_taken``.
    """
    with bound(host, port) as listening:
        _become(_site_command(listening, workers), site_environ(settings, os.environ))


def serve_registry(settings: Settings, environ: Mapping[str, str], host: str, port: int, workers: int) -> NoReturn:
    """Become the registry role. It is meant for the public site alone, never for the world.

    Raises KezhengError as `open_home` does, and ``address_taken``.
    """
    with open_home(settings, environ), bound(host, port) as listening:
        _become(_registry_command(listening, workers), role_environ(settings, environ))


def serve_worker(settings: Settings, environ: Mapping[str, str], workers: int) -> NoReturn:
    """Become the worker role. A database that is away is waited for.

    Raises KezhengError ``home_not_initialised``, and ``address_taken`` for the port on which it is to be asked.
    """
    if not settings.keys_folder.is_dir():
        raise KezhengError("home_not_initialised", home=str(settings.home))
    with _bound_for_worker(settings) as listening:
        _become(_worker_command(workers, listening), role_environ(settings, environ))


def serve_all(settings: Settings, environ: Mapping[str, str], host: str, port: int, workers: int) -> None:
    """Serve the public site with a worker and a registry role beside it, which end together.

    Raises KezhengError ``address_taken``.
    """
    # A signal becomes an exception, so that the others are ended too; also when the terminal goes away.
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGHUP, _leave)
    running: list[subprocess.Popen[bytes]] = []
    try:
        # This process keeps no socket: it was started with the passphrase, and nobody from outside shall reach it.
        with bound(host, port) as public, bound(LOOPBACK, 0) as desk, _bound_for_worker(settings) as told:
            settings = replace(settings, registry_url=f"http://{LOOPBACK}:{desk.getsockname()[1]}")
            running.append(_start(_worker_command(1, told), role_environ(settings, environ), told))
            running.append(_start(_registry_command(desk, 1), role_environ(settings, environ), desk))
            running.append(_start(_site_command(public, workers), site_environ(settings, environ), public))
        status = running[-1].wait()
    finally:
        _end(running)
    sys.exit(status)


def bound(host: str, port: int) -> socket.socket:
    """A listening socket for processes to inherit. Raises KezhengError ``address_taken``."""
    try:
        return listen(host, port)
    except OSError as error:
        raise KezhengError("address_taken", host=host, port=port) from error


def _site_command(listening: socket.socket, workers: int) -> list[str]:
    """The public site as a program of its own, which knows no keys."""
    return _server_command(SITE, listening, workers)


def _registry_command(listening: socket.socket, workers: int) -> list[str]:
    return _server_command(REGISTRY, listening, workers)


def _server_command(app: str, listening: socket.socket, workers: int) -> list[str]:
    numbers = ["--fd", str(listening.fileno()), "--workers", str(workers)]
    names = ["--ready-path", READY_PATH, "--shared-folder", COUNTS_FOLDER]
    return [sys.executable, "-m", WEB_SERVER, app, "--factory", *numbers, *names]


def _worker_command(workers: int, listening: socket.socket | None) -> list[str]:
    """The worker; with a socket its processes answer operations there, and add up what they count."""
    number = [] if listening is None else [str(listening.fileno())]
    shared = ["--fd", *number, "--shared-folder", COUNTS_FOLDER] if number else []
    program = [sys.executable, "-c", WORKER, *number]
    return [sys.executable, "-m", f"{WEB_SERVER}.run", "--workers", str(workers), *shared, *program]


def _bound_for_worker(settings: Settings) -> AbstractContextManager[socket.socket | None]:
    """The worker's own address, on loopback alone; None where none is set. Raises KezhengError ``address_taken``."""
    return nullcontext() if settings.worker_port is None else bound(LOOPBACK, settings.worker_port)


def _become(command: list[str], environ: Mapping[str, str]) -> NoReturn:
    sys.stdout.flush()
    os.execve(command[0], command, dict(environ))


def _start(
    command: list[str], environ: Mapping[str, str], listening: socket.socket | None = None
) -> subprocess.Popen[bytes]:
    passed = [] if listening is None else [listening.fileno()]
    return subprocess.Popen(
        command, env=environ, stdin=subprocess.DEVNULL, pass_fds=passed, start_new_session=True
    )


def _end(running: Sequence[subprocess.Popen[bytes]]) -> None:
    """End processes together and wait until they have gone."""
    for process in running:
        process.terminate()
    for process in running:
        process.wait(timeout=END_SECONDS)


def _leave(_signal: int, _frame: object) -> None:
    sys.exit(0)


def role_environ(settings: Settings, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of a role that opens keys: this one, with what was decided on the command line."""
    return {**environ, **_decided(settings), f"{PREFIX}DATABASE_URL": settings.database_url}


def site_environ(settings: Settings, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of the public site: of this program's settings those alone that the site reads.

    Passphrases, PINs and addresses of databases that it must not write are not among them.
    """
    others = {name: value for name, value in environ.items() if not name.startswith(PREFIX)}
    return {**others, **site_environment(settings)}


def site_environment(settings: Settings) -> dict[str, str]:
    """The settings that the site's own process reads."""
    return _decided(settings) | {
        f"{PREFIX}DATABASE_URL": settings.public_database_url or settings.database_url,
        f"{PREFIX}PROXIES": ",".join(settings.proxies),
        f"{PREFIX}CACHE": str(settings.cache_folder.resolve()),
    }


def _decided(settings: Settings) -> dict[str, str]:
    return {
        f"{PREFIX}HOME": str(settings.home.resolve()),
        f"{PREFIX}PUBLIC_URL": settings.public_url,
        f"{PREFIX}REGISTRY_URL": settings.registry_url or "",
    }
