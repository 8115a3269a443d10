"""The states that stored things pass through, and the kinds of event that are recorded."""

from __future__ import annotations

from enum import StrEnum


class BatchState(StrEnum):
    """A roster on its way: imported → approved → issuing → released, or void."""

    IMPORTED = "imported"
    APPROVED = "approved"
    ISSUING = "issuing"
    RELEASED = "released"
    VOID = "void"


class CertificateState(StrEnum):
    """A certificate on its way: reserved → prepared → signed → logged → released; void instead of logged."""

    RESERVED = "reserved"
    PREPARED = "prepared"
    SIGNED = "signed"
    LOGGED = "logged"
    RELEASED = "released"
    VOID = "void"


class InstitutionEventKind(StrEnum):
    """What can happen to a listing after it was granted."""

    SUSPEND = "suspend"
    REINSTATE = "reinstate"
    WITHDRAW = "withdraw"
    REMOVE = "remove"


class MessageState(StrEnum):
    """A webhook's message: waiting → taken by its receiver, or given up."""

    WAITING = "waiting"
    TAKEN = "taken"
    GIVEN_UP = "given_up"
