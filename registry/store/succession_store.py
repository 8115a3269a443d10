"""Which certificate replaces which, where both were issued on their own."""

from __future__ import annotations

from certs.errors import KezhengError
from registry.store.certificate_tables import CERTIFICATE
from registry.store.engine import WriteTransaction


def link_successor(tx: WriteTransaction, predecessor: str, successor: str) -> None:
    """Record what a certificate replaces. Raises KezhengError ``successor_taken`` unless it replaced nothing yet.

    The database refuses a second successor of the same predecessor (``successor_exists``).
    """
    free = (CERTIFICATE.c.number == successor) & CERTIFICATE.c.supersedes.is_(None)
    if tx.connection.execute(CERTIFICATE.update().where(free).values(supersedes=predecessor)).rowcount != 1:
        raise KezhengError("successor_taken")
