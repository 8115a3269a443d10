"""What the public site's process can see of secrets: nothing, not even what it was started with.

A hole in a web program reads files: ``/proc/self/environ`` shows what a process was started with, whatever it has
removed from its environment since.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from register_desk import NOW
from running_site import COMMAND, PATIENCE, answers, free_port

from registry.initialise import initialise
from registry.serving import role_environ, site_environ, site_environment
from registry.settings import load_settings

PASSPHRASE, PIN = "六个随机词 correct horse battery", "90817263"
SECRETS = {"KEZHENG_PASSPHRASE": PASSPHRASE, "KEZHENG_HSM_PIN": PIN}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="reads environments in /proc"),
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose passphrase is nowhere but in the environment of those who need it."""
    folder = tmp_path_factory.mktemp("secrets") / "home"
    initialise(load_settings(folder, {}), SECRETS, NOW)
    return folder


@contextmanager
def served(home: Path, *options: str) -> Iterator[tuple[int, int]]:
    """A running server with the secrets in its environment: its process and its port."""
    port = free_port()
    command = [sys.executable, "-c", COMMAND, "serve", "--home", str(home), "--port", str(port), *options]
    server = subprocess.Popen(
        command, env={**os.environ, **SECRETS}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        end = time.monotonic() + PATIENCE
        while not answers(port):
            assert server.poll() is None
            assert time.monotonic() < end, "the site answers"
            time.sleep(0.1)
        yield server.pid, port
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=PATIENCE)


def family(process: int) -> list[int]:
    """A process and everything that it started."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text("ascii").split()
    return [process, *(member for child in children for member in family(int(child)))]


def inode_of(port: int) -> str:
    """The socket that listens on a port."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text("ascii").splitlines()[1:]]
    [inode] = [line[9] for line in lines if line[1].endswith(f":{port:04X}") and line[3] == "0A"]
    return inode


def holds_socket(process: int, inode: str) -> bool:
    descriptors = Path(f"/proc/{process}/fd").iterdir()
    return any(os.readlink(descriptor) == f"socket:[{inode}]" for descriptor in descriptors)


def shown_by(process: int) -> list[str]:
    """The secrets that the kernel shows of a process: what it was started with, by value and by name."""
    content = b"".join(Path(f"/proc/{process}/{name}").read_bytes() for name in ("environ", "cmdline"))
    return [text for text in (*SECRETS, PASSPHRASE, PIN) if text.encode() in content]


@pytest.mark.parametrize("options", [("--role", "public"), ("--role", "public", "--workers", "2"), ()])
def test_a_process_that_answers_the_public_was_started_without_secrets(home: Path, options: tuple[str, ...]) -> None:
    with served(home, *options) as (server, port):
        members, inode = family(server), inode_of(port)
        serving = [process for process in members if holds_socket(process, inode)]
        assert len(serving) >= 1
        assert [shown_by(process) for process in serving] == [[]] * len(serving)
        others = [process for process in members if process not in serving]
        if not options:  # the worker and the registry role open keys
            assert len([process for process in others if shown_by(process)]) >= 2


def test_a_site_alone_keeps_its_process(home: Path) -> None:
    """Whoever started it waits for it and ends it by its id."""
    with served(home, "--role", "public") as (server, port):
        assert holds_socket(server, inode_of(port))


def test_the_settings_of_the_site_name_no_secret(home: Path) -> None:
    environment = site_environment(load_settings(home, SECRETS))
    assert not environment.keys() & SECRETS.keys()
    assert not set(environment.values()) & set(SECRETS.values())


def test_the_environment_of_the_site_holds_nothing_else_of_this_program(home: Path) -> None:
    given = SECRETS | {
        "KEZHENG_DATABASE_URL": "postgresql://writer:w@127.0.0.1/register",
        "KEZHENG_PUBLIC_DATABASE_URL": "postgresql://reader:r@127.0.0.1/register",
        "KEZHENG_JOBS_DATABASE_URL": "postgresql://jobs:j@127.0.0.1/register",
        "PATH": "/usr/bin",
    }
    settings = load_settings(home, given)
    environment = site_environ(settings, given)
    assert environment.keys() == {"PATH"} | site_environment(settings).keys()
    assert environment["KEZHENG_DATABASE_URL"] == given["KEZHENG_PUBLIC_DATABASE_URL"]
    assert not any(secret in value for secret in ("writer", "jobs:j") for value in environment.values())
    assert role_environ(settings, given)["KEZHENG_DATABASE_URL"] == given["KEZHENG_DATABASE_URL"]
