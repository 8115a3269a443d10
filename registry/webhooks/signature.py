"""Signing what is sent, in the way of the Standard Webhooks specification: HMAC-SHA-256 over id, time and body."""

from __future__ import annotations

import base64
import hmac
import os

_SECRET_LENGTH = 32
SECRET_PREFIX = "whsec_"
VERSION = "v1"


def new_secret() -> str:
    """A secret as its receiver keeps it: ``whsec_`` and base64 of 32 random bytes."""
    return SECRET_PREFIX + base64.b64encode(os.urandom(_SECRET_LENGTH)).decode()


def signature_of(secret: str, message_id: str, seconds: int, body: bytes) -> str:
    """The value of the header ``webhook-signature``; ``seconds`` is the time of sending, since 1970."""
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    signed = f"{message_id}.{seconds}.".encode() + body
    return f"{VERSION},{base64.b64encode(hmac.digest(key, signed, 'sha256')).decode()}"
