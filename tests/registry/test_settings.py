"""Settings: the environment before the file before the defaults, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from certs.errors import KezhengError
from registry.serving import site_environment
from registry.settings import load_settings


def test_defaults(tmp_path: Path) -> None:
    settings = load_settings(tmp_path, {})
    assert settings.public_url == "http://127.0.0.1:8000"
    assert settings.database_url == f"sqlite:///{tmp_path / 'kezheng.db'}"
    assert (settings.environment, settings.limits.run_off_days, settings.trust_list_days) == ("production", 60, 30)
    assert load_settings(None, {}).home == Path("var")
    assert (settings.log_folder, settings.log_witness) == (tmp_path / "log", None)


@pytest.mark.parametrize(("given", "witness"), [("", None), ("https://m.example/log", "https://m.example/log")])
def test_the_witness_of_the_log(tmp_path: Path, given: str, witness: str | None) -> None:
    (tmp_path / "kezheng.toml").write_text('log_witness = "/mirror"\n', "utf-8")
    assert load_settings(tmp_path, {}).log_witness == "/mirror"
    assert load_settings(tmp_path, {"KEZHENG_LOG_WITNESS": given}).log_witness == witness


def test_where_the_registry_role_answers(tmp_path: Path) -> None:
    assert load_settings(tmp_path, {}).registry_url is None
    assert load_settings(tmp_path, {"KEZHENG_REGISTRY_URL": ""}).registry_url is None
    given = load_settings(tmp_path, {"KEZHENG_REGISTRY_URL": "http://127.0.0.1:8001"})
    assert given.registry_url == "http://127.0.0.1:8001"
    assert given.receipts_folder == tmp_path / "receipts"


def test_the_public_side_may_have_a_database_address_of_its_own(tmp_path: Path) -> None:
    assert load_settings(tmp_path, {}).public_database_url is None
    (tmp_path / "kezheng.toml").write_text('database_url = "postgresql://registry@h/d"\n', "utf-8")
    settings = load_settings(tmp_path, {"KEZHENG_PUBLIC_DATABASE_URL": "postgresql://site@standby/d"})
    assert (settings.database_url, settings.public_database_url) == (
        "postgresql://registry@h/d",
        "postgresql://site@standby/d",
    )
    assert site_environment(settings)["KEZHENG_DATABASE_URL"] == "postgresql://site@standby/d"


def test_the_environment_comes_before_the_file(tmp_path: Path) -> None:
    (tmp_path / "kezheng.toml").write_text(
        'public_url = "https://file.example.cn"\nrun_off_days = 90\nproxies = ["10.0.0.1"]\n', "utf-8"
    )
    from_file = load_settings(tmp_path, {})
    assert (from_file.public_url, from_file.limits.run_off_days) == ("https://file.example.cn", 90)
    assert from_file.proxies == ("10.0.0.1",)
    environ = {"KEZHENG_PUBLIC_URL": "https://env.example.cn", "KEZHENG_RUN_OFF_DAYS": "30", "PATH": "x"}
    both = load_settings(tmp_path, environ)
    assert (both.public_url, both.limits.run_off_days) == ("https://env.example.cn", 30)
    assert load_settings(None, {"KEZHENG_HOME": str(tmp_path)}).public_url == "https://file.example.cn"


@pytest.mark.parametrize(
    ("environ", "code"),
    [
        ({"KEZHENG_PUBLIC_URL": "http://verify.example.cn"}, "public_url_not_https"),
        ({"KEZHENG_PUBLIC_URL": "https://verify.example.cn/path"}, "public_url_invalid"),
        ({"KEZHENG_PUBLIC_URL": "https://user@verify.example.cn"}, "public_url_invalid"),
        ({"KEZHENG_PUBLIC_URL": "ftp://verify.example.cn"}, "public_url_invalid"),
        ({"KEZHENG_RUN_OFF_DAYS": "many"}, "settings_invalid"),
        ({"KEZHENG_RUN_OFF_DAYS": "0"}, "settings_invalid"),
        ({"KEZHENG_STATUS_HOURS": ""}, "settings_invalid"),
        ({"KEZHENG_DELEGATION_DAYS": "367"}, "settings_invalid"),
        ({"KEZHENG_ENVIRONMENT": "test"}, "settings_invalid"),
        ({"KEZHENG_REGISTRY_URL": "127.0.0.1:8001"}, "settings_invalid"),
    ],
)
def test_what_is_refused(tmp_path: Path, environ: dict[str, str], code: str) -> None:
    with pytest.raises(KezhengError, match=code):
        load_settings(tmp_path, environ)


@pytest.mark.parametrize("content", [b"public_url = ", b"\xff\xfe", b"run_off_days = []"])
def test_a_file_that_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "kezheng.toml").write_bytes(content)
    with pytest.raises(KezhengError, match="settings_invalid"):
        load_settings(tmp_path, {})


@pytest.mark.parametrize("port", ["0", "65536", "x"])
def test_what_is_no_port_is_refused(tmp_path: Path, port: str) -> None:
    with pytest.raises(KezhengError, match=r"^settings_invalid"):
        load_settings(tmp_path, {"KEZHENG_WORKER_PORT": port})


def test_the_workers_port_is_off_unless_set(tmp_path: Path) -> None:
    assert load_settings(tmp_path, {"KEZHENG_WORKER_PORT": ""}).worker_port is None
    assert load_settings(tmp_path, {"KEZHENG_WORKER_PORT": "9100"}).worker_port == 9100
