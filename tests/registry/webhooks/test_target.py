"""S-45: https to public addresses alone, judged after resolution."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from certs.errors import KezhengError
from registry.webhooks.target import Target, address_of, is_public, parse_target, resolve


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://hooks.example.cn", Target("hooks.example.cn", 443, "/")),
        ("https://HOOKS.example.cn:8443/a/b?c=d", Target("hooks.example.cn", 8443, "/a/b?c=d")),
        ("https://[2606:4700::1]/x", Target("2606:4700::1", 443, "/x")),
    ],
)
def test_addresses_taken_apart(url: str, target: Target) -> None:
    assert parse_target(url) == target


@pytest.mark.parametrize(
    "url",
    [
        *("http://hooks.example.cn", "ftp://hooks.example.cn", "hooks.example.cn", "https://", "", "https:///x"),
        *("https://user@hooks.example.cn", "https://hooks.example.cn/#x", "https://hooks.example.cn:99999/"),
        *("https://hooks.example.cn/a b", "https://hooks.example.cn/\r\nX: y", "https://例子.cn/", "https://[::1"),
        "https://hooks.example.cn/" + "x" * 500,
    ],
)
def test_addresses_refused(url: str) -> None:
    with pytest.raises(KezhengError, match=r"^webhook_url_invalid\b"):
        parse_target(url)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),
        *("224.0.0.1", "255.255.255.255", "198.18.0.1", "192.0.2.1", "::1", "::", "fe80::1", "fc00::1", "ff02::1"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:db8::1"),
    ],
)
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(ip_address(address))
    with pytest.raises(KezhengError, match=r"^webhook_address_refused\b"):
        address_of(Target("hooks.example.cn", 443, "/"), lambda *_: [address])


@pytest.mark.parametrize("address", ["1.1.1.1", "223.5.5.5", "2606:4700::1", "::ffff:1.1.1.1"])
def test_addresses_that_are_public(address: str) -> None:
    assert is_public(ip_address(address))
    assert ip_address(address_of(Target("hooks.example.cn", 443, "/"), lambda *_: [address])) == ip_address(address)


def test_one_private_address_among_public_ones_refuses_the_host() -> None:
    for found in (["1.1.1.1", "10.0.0.1"], ["10.0.0.1", "1.1.1.1"]):
        with pytest.raises(KezhengError, match=r"^webhook_address_refused\b"):
            address_of(Target("hooks.example.cn", 443, "/"), lambda *_, found=found: found)


def test_hosts_that_do_not_resolve() -> None:
    for host in ("nowhere.invalid", "x" * 300):
        with pytest.raises(KezhengError, match=r"^webhook_unreachable\b"):
            resolve(host, 443)
    with pytest.raises(KezhengError, match=r"^webhook_unreachable\b"):
        address_of(Target("hooks.example.cn", 443, "/"), lambda *_: [])


def test_the_system_resolves_numbers_to_themselves() -> None:
    assert resolve("127.0.0.1", 443) == ["127.0.0.1"]
