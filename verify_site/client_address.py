"""Who is asking: the peer's address, or what a configured proxy says about it.

The address is used for limits alone and never logged.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

from starlette.types import Scope

from certs.errors import KezhengError

_IPV6_PREFIX = 64
"""One subscriber's line has a whole /64: single IPv6 addresses are no measure of a client."""


class ClientAddresses:
    """Reads client addresses behind the configured proxies (addresses or networks).

    Raises KezhengError ``settings_invalid`` for a proxy that is neither.
    """

    def __init__(self, proxies: Iterable[str] = ()) -> None:
        try:
            self._proxies = tuple(ip_network(proxy, strict=False) for proxy in proxies)
        except ValueError as error:
            raise KezhengError("settings_invalid", name="proxies") from error

    def client_of(self, scope: Scope) -> str:
        """The key of the client: ``X-Forwarded-For`` counts only when the peer is a configured proxy."""
        peer = scope.get("client")
        address = _parsed(peer[0]) if peer else None
        if address is None:
            return "unknown"
        if self._is_proxy(address):
            address = self._forwarded(scope) or address
        return _client_key(address)

    def _forwarded(self, scope: Scope) -> IPv4Address | IPv6Address | None:
        """The rightmost address that is not a proxy of ours: what stands left of it anyone may write."""
        lines = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
        for part in reversed(",".join(lines).split(",")):
            address = _parsed(part.strip())
            if address is None or not self._is_proxy(address):
                return address
        return None

    def _is_proxy(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address in network for network in self._proxies)


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address


def _client_key(address: IPv4Address | IPv6Address) -> str:
    if isinstance(address, IPv6Address):
        return str(IPv6Network((address, _IPV6_PREFIX), strict=False))
    return str(address)
