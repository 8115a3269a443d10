"""The registry role, asked over HTTP for what needs a key: this site has none.

Only a payload goes there, and only receipts come back.
"""

from __future__ import annotations

from typing import Any

import httpx
import orjson

from certs.canonical import decode_json
from certs.errors import KezhengError
from certs.jws import unverified_payload

TIMEOUT_SECONDS = 20.0
MAX_ANSWER = 16 * 1024 * 1024


class RegistryDesk:
    """A registry role at an address, by default on this machine."""

    def __init__(self, url: str, transport: httpx.AsyncBaseTransport | None = None) -> None:
        """``transport`` is replaced in tests. No proxy of the environment is used and no redirect followed."""
        self._url = url.rstrip("/")
        self._transport = transport
        self._client: httpx.AsyncClient | None = None

    async def make_receipt(self, payload: str) -> str:
        """Have a receipt made of a payload; its id. Raises KezhengError ``receipt_unavailable``."""
        answer = await self._ask("POST", "/receipts", orjson.dumps({"payload": payload}))
        identifier = orjson.loads(answer)["id"]
        assert isinstance(identifier, str)
        return identifier

    async def receipt(self, identifier: str, form: str) -> bytes:
        """A receipt as ``json``, ``pdf`` or ``png``.

        Raises KezhengError ``receipt_unknown``, ``receipt_unavailable``.
        """
        return await self._ask("GET", f"/receipts/{identifier}.{form}")

    async def bundle(self, identifier: str) -> dict[str, Any]:
        """The bundle of a receipt, for showing it; whoever relies on a receipt checks the file."""
        members = decode_json(await self.receipt(identifier, "json"))
        return unverified_payload(members["receipt"].encode("ascii"))

    async def close(self) -> None:
        """Close connections; they open again when needed."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        if self._client is None:
            self._client = httpx.AsyncClient(transport=self._transport, trust_env=False, timeout=TIMEOUT_SECONDS)
        try:
            async with self._client.stream(method, self._url + path, content=body) as response:
                content = await _bounded(response)
        except httpx.HTTPError as error:
            raise KezhengError("receipt_unavailable") from error
        if response.status_code == httpx.codes.NOT_FOUND:
            raise KezhengError("receipt_unknown")
        if not response.is_success:
            raise KezhengError("receipt_unavailable")
        return content


async def _bounded(response: httpx.Response) -> bytes:
    content = bytearray()
    async for part in response.aiter_bytes():
        content += part
        if len(content) > MAX_ANSWER:
            raise KezhengError("receipt_unavailable")
    return bytes(content)
