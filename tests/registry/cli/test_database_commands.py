"""``kezheng database public-role`` on a real server."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest
from postgres_server import postgres_database, shared_server
from psycopg import sql

from registry.cli import setup_commands
from registry.store.engine import open_public_store
from registry.store.public_reader import public_document_versions


def test_the_public_side_s_user_is_made_and_reads(kezheng: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with postgres_database() as url:
        public_url = url.replace("postgres@", "site@")
        monkeypatch.setenv("KEZHENG_DATABASE_URL", url)
        refused = kezheng("database", "public-role")
        assert refused.code != 0
        assert "KEZHENG_PUBLIC_DATABASE_URL" in refused.err
        monkeypatch.setenv("KEZHENG_PUBLIC_DATABASE_URL", public_url)
        assert kezheng.json("database", "public-role") == {"role": "site"}
        with closing(open_public_store(public_url)) as public, public.reading() as reading:
            assert public_document_versions(reading) == {}
    shared_server().execute(sql.SQL("DROP ROLE site"))


def test_a_public_site_is_not_served_as_the_registry_s_user(kezheng: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[str] = []
    monkeypatch.setattr(setup_commands, "serve_public", lambda settings, *_: served.append(settings.database_url))
    with postgres_database() as url:
        monkeypatch.setenv("KEZHENG_DATABASE_URL", url)
        refused = kezheng("serve", "--role", "public")
        assert (refused.code, served) == (1, [])
        assert "kezheng database public-role" in refused.err
        monkeypatch.setenv("KEZHENG_PUBLIC_DATABASE_URL", url.replace("postgres@", "narrow@"))
        kezheng.json("database", "public-role")
        assert kezheng("serve", "--role", "public").code == 0
        assert served == [url]
    shared_server().execute(sql.SQL("DROP ROLE narrow"))
