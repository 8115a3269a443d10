"""What is asked to sign certificates: by their ids, never with bytes.

It reads the recorded bytes from the register itself and signs only what is what two people approved: the layout of a
certificate, the claims of its approved row, the number of the record, a key of its institution that is in use. So who
can write into the database, or into this process's memory before the record, cannot have something else signed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from certs.candidate import Candidate
from certs.certificate import CertificateClaims, decode_claims
from certs.certificate_number import parse_number
from certs.envelope import prepared_from_record, seal
from certs.errors import KezhengError
from registry.home import Home
from registry.issuing.reserve import RowAndCandidate
from registry.signing_keys import is_in_use, keys_of_institution
from registry.store.batch_store import BatchRecord
from registry.store.issuing_store import Recorded, Sealed, recorded_by_id
from registry.store.states import BatchState

RATE_PERIOD = timedelta(minutes=1)


class CertificateSigner:
    """Signs certificates of one approved batch. ``rows`` are the approved ones, checked against the approval."""

    def __init__(self, home: Home, batch: BatchRecord, rows: Mapping[int, RowAndCandidate]) -> None:
        self._home = home
        self._batch = batch
        self._rows = rows
        self._made: deque[tuple[datetime, int]] = deque()

    def seal(self, certificate_ids: Sequence[int], now: datetime) -> list[Sealed]:
        """The sealed certificates of what is recorded for these ids, in their order.

        Raises KezhengError ``signing_refused`` for what was not approved or is not what was approved,
        ``signing_rate_exceeded`` when more is asked than the settings allow in a minute.
        """
        self._take(len(certificate_ids), now)
        with self._home.store.reading() as tx:
            recorded = recorded_by_id(tx, self._batch.id, certificate_ids)
            keys = keys_of_institution(tx, self._batch.institution_code)
        if self._batch.approved_at is None or self._batch.state is BatchState.VOID:
            raise KezhengError("signing_refused", number=self._batch.id)
        usable = {key.kid for key in keys if is_in_use(key, now)}
        return [self._seal(recorded.get(certificate_id), usable) for certificate_id in certificate_ids]

    def _seal(self, recorded: Recorded | None, usable: set[bytes]) -> Sealed:
        if recorded is None:
            raise KezhengError("signing_refused", number="–")
        prepared = prepared_from_record(recorded.to_be_signed)
        row = self._rows.get(recorded.roster_row_id)
        if row is None or prepared.kid not in usable or not self._is_approved(recorded, prepared.payload, row[1]):
            raise KezhengError("signing_refused", number=recorded.number)
        signer = self._home.keyring.signer_by_kid(prepared.kid)
        return Sealed(*recorded[:5], seal(prepared, signer.sign(prepared.to_be_signed)))

    def _is_approved(self, recorded: Recorded, payload: bytes, candidate: Candidate) -> bool:
        claims = decode_claims(payload)
        number = parse_number(recorded.number, self._home.layouts)
        is_own = claims.number == recorded.number and number.institution_code == self._batch.institution_code
        is_timed = claims.issued_at == recorded.issued_at and claims.expires_at is None
        return is_own and is_timed and candidate.earns_certificate and _fits(claims, candidate)

    def _take(self, count: int, now: datetime) -> None:
        """Count signatures of the last minute."""
        while self._made and now - self._made[0][0] >= RATE_PERIOD:
            self._made.popleft()
        if count + sum(made for _, made in self._made) > self._home.settings.signatures_per_minute:
            raise KezhengError("signing_rate_exceeded", limit=self._home.settings.signatures_per_minute)
        self._made.append((now, count))


def _fits(claims: CertificateClaims, candidate: Candidate) -> bool:
    """Whether claims say of the person exactly what was approved."""
    return (
        claims.name == candidate.name
        and claims.id_tail == candidate.id_document.tail
        and claims.occupation_code == candidate.occupation_code
        and claims.direction == candidate.direction
        and claims.grade is candidate.grade
        and claims.assessed_on == candidate.assessed_on
    )
