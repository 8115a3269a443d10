"""What it means when the database refuses: each uniqueness has its own code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import IntegrityError, OperationalError

from certs.errors import KezhengError

# Engines name a broken rule differently: PostgreSQL by its name, SQLite by its columns.
_MEANINGS = (
    (("uq_certificate_live", "certificate.person_id, certificate.occupation_id"), "already_certified"),
    (("uq_certificate_supersedes", "certificate.supersedes"), "successor_exists"),
    (("uq_certificate_roster_row_id", "certificate.roster_row_id"), "row_already_has_certificate"),
    (("pk_certificate_prepared", "certificate_prepared.certificate_id"), "certificate_state_changed"),
    (("uq_log_entry_certificate", "log_entry.subject"), "already_logged"),
    (("pk_certificate_logged", "certificate_logged.certificate_id"), "certificate_state_changed"),
    (("pk_certificate_sealed", "certificate_sealed.certificate_id"), "certificate_state_changed"),
    (("pk_signing_key", "signing_key.kid"), "key_id_taken"),
    (("uq_signing_key_public_key", "signing_key.public_key"), "key_id_taken"),
)
_BUSY = ("database is locked", "database is busy")


@contextmanager
def conflicts_as_errors() -> Iterator[None]:
    """Turn the driver's refusals into KezhengError; its own text may hold values and is not passed on."""
    try:
        yield
    except IntegrityError as error:
        raise KezhengError(_meaning(str(error.orig))) from None
    except OperationalError as error:
        if any(word in str(error.orig) for word in _BUSY):
            raise KezhengError("store_busy") from None
        raise


def _meaning(message: str) -> str:
    for names, code in _MEANINGS:
        if any(name in message for name in names):
            return code
    return "store_conflict"
