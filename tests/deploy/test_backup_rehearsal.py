"""The rehearsal's own bookkeeping, and the documented settings of PostgreSQL on a real server."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from register_desk import NOW

from deploy.backup.database_server import DatabaseServer, programs_folder
from deploy.backup.rehearse import Application, Outcome, RehearsalFailed, check_certificates, lent_folder, table
from registry.initialise import initialise
from registry.settings import load_settings

DOCUMENT = {
    "database": {"size": 40},
    "register": {"size": 100},
    "certificates": {"restored": 55, "lost": 0},
}


def test_the_table_says_how_far_the_database_was_behind() -> None:
    heading, line, document = table([Outcome("an earlier time", DOCUMENT, 1.25, 120)])
    assert heading.split() == ["put", "back", "to", "behind", "restored", "lost", "checked", "seconds"]
    assert line.split() == ["an", "earlier", "time", "60", "55", "0", "120", "1.2"]
    assert orjson.loads(document) == [{"name": "an earlier time", "seconds": 1.25} | DOCUMENT]


def test_a_certificate_that_is_not_there_fails_the_rehearsal(tmp_path: Path) -> None:
    application = Application(tmp_path, f"sqlite:///{tmp_path / 'register.db'}")
    initialise(load_settings(None, application.environ), {}, NOW)
    check_certificates(application)
    application.issued["P0001150000012620000010"] = "HTTP://127.0.0.1:8000/V/2KCE2AA"
    with pytest.raises(RehearsalFailed, match=r"P0001150000012620000010: not_genuine instead of valid"):
        check_certificates(application)


@pytest.mark.slow
def test_a_server_is_put_back_to_any_time_that_was_archived() -> None:
    with lent_folder() as folder:
        server = DatabaseServer(folder, programs_folder())
        server.create()
        try:
            run(server, "CREATE TABLE written (n int)", "INSERT INTO written VALUES (1)")
            backup = server.back_up()
            run(server, "INSERT INTO written VALUES (2)")
            between = server.time()
            run(server, "INSERT INTO written VALUES (3)")
            server.archive_log()
            run(server, "INSERT INTO written VALUES (4)")
            for until, expected in ((None, 3), (between, 2)):
                server.lose()
                server.put_back(backup, until)
                assert count(server) == expected
        finally:
            server.stop()


def run(server: DatabaseServer, *statements: str) -> None:
    with server.connect("register") as connection:
        for statement in statements:
            connection.execute(statement)  # type: ignore[call-overload]  # literals of this test


def count(server: DatabaseServer) -> int:
    with server.connect("register") as connection:
        [found] = connection.execute("SELECT count(*) FROM written").fetchall()[0]
    return int(str(found))
