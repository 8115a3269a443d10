"""Where a webhook may go: an https address whose host stands at public addresses, and nowhere inside our network.

The addresses are looked at after the name was resolved, and the connection goes to the address that was looked at: a
name that points elsewhere a moment later (DNS rebinding) changes nothing.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import NamedTuple
from urllib.parse import urlsplit

from certs.errors import KezhengError

MAX_URL = 500
HTTPS_PORT = 443
_TRANSLATED = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"), IPv6Network("2002::/16"))
"""IPv6 networks behind which an IPv4 address stands (RFC 6052, RFC 8215, RFC 3056)."""
Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Iterable[str]]
Allows = Callable[[Address], bool]


class Target(NamedTuple):
    """An https address taken apart; ``path`` with its query."""

    host: str
    port: int
    path: str


def parse_target(url: str) -> Target:
    """Raises KezhengError ``webhook_url_invalid``: https only, no user, no fragment, at most 500 characters."""
    try:
        parts = urlsplit(url)
        port = parts.port or HTTPS_PORT
    except ValueError as error:
        raise KezhengError("webhook_url_invalid", url=url[:MAX_URL]) from error
    plain = url.isascii() and url.isprintable() and " " not in url and len(url) <= MAX_URL
    if not plain or parts.scheme != "https" or not parts.hostname or "@" in parts.netloc or parts.fragment:
        raise KezhengError("webhook_url_invalid", url=url[:MAX_URL])
    return Target(parts.hostname, port, (parts.path or "/") + (f"?{parts.query}" if parts.query else ""))


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host by the system's resolver. Raises KezhengError ``webhook_unreachable``."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise KezhengError("webhook_unreachable", host=host) from error
    return [str(entry[4][0]) for entry in found]


def is_public(address: Address) -> bool:
    """Whether an address belongs to the world: not loopback, private, link-local, shared, multicast or translated."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if any(address in network for network in _TRANSLATED):
            return False
    return address.is_global and not address.is_multicast


def address_of(target: Target, resolve_host: Resolve = resolve, allows: Allows = is_public) -> str:
    """The address to connect to. One that is not allowed refuses the host: it may be chosen by chance next time.

    Raises KezhengError ``webhook_address_refused``, ``webhook_unreachable``.
    """
    found = [ip_address(each.partition("%")[0]) for each in resolve_host(target.host, target.port)]
    if not found:
        raise KezhengError("webhook_unreachable", host=target.host)
    if not all(map(allows, found)):
        raise KezhengError("webhook_address_refused", host=target.host)
    return str(found[0])
