"""Evidence that cannot be used, with its reason: the answer is then "could not check", never an exception."""

from __future__ import annotations

from dataclasses import dataclass

from certs.errors import Param


@dataclass(frozen=True, slots=True)
class Unavailable:
    """Why a piece of evidence cannot be used: a reason code with its parameters."""

    code: str
    params: tuple[tuple[str, Param], ...] = ()
