"""What is asked to sign certificates: by their ids, never with bytes.

It reads the recorded bytes from the register itself and works out what they must be: of the approved row, with the
number, time and status place of the record, under a key of the institution that is in use. Exactly these bytes are
signed and nothing else. The approval itself must be an entry of the public register. So who can write into the
database, or into this process's memory before the record, has nothing else signed without an approval that everybody
can see.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from certs.certificate_number import parse_number
from certs.envelope import Prepared, prepare, seal
from certs.errors import KezhengError
from registry.home import Home
from registry.issuing.approve import is_approved_in_register
from registry.issuing.approved_rows import ApprovedRow, ApprovedRows
from registry.issuing.row_claims import claims_of_row
from registry.publishing.sequence_log import LONGEST_WAIT_MS
from registry.signing_keys import is_in_use, keys_of_institution
from registry.store.batch_store import BatchRecord, require_batch
from registry.store.engine import ReadTransaction
from registry.store.issuing_store import Recorded, Sealed, recorded_by_id
from registry.store.states import BatchState

RATE_PERIOD = timedelta(minutes=1)
LONGEST_AHEAD = timedelta(milliseconds=LONGEST_WAIT_MS)
"""How far a time of issue may be ahead: no further than the register waits for the clock of another machine."""
_APPROVED = (BatchState.APPROVED, BatchState.ISSUING, BatchState.RELEASED)


class CertificateSigner:
    """Signs certificates of one approved batch. ``rows`` are the approved ones, checked against the approval."""

    def __init__(self, home: Home, batch: BatchRecord, rows: ApprovedRows) -> None:
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
            self._require_approval(tx)
            recorded = recorded_by_id(tx, self._batch.id, certificate_ids)
            keys = keys_of_institution(tx, self._batch.institution_code)
        usable = {key.kid for key in keys if is_in_use(key, now)}
        # All are looked at before the first is signed: of what was altered anywhere, nothing is signed.
        prepared = [self._checked(recorded.get(certificate_id), usable, now) for certificate_id in certificate_ids]
        return [self._seal(recorded[each], ready) for each, ready in zip(certificate_ids, prepared, strict=True)]

    def _require_approval(self, tx: ReadTransaction) -> None:
        """The batch may have been given up since it was read; its approval must be in the register."""
        state = require_batch(tx, self._batch.id).state
        if state not in _APPROVED or not is_approved_in_register(tx, self._batch, self._rows.replaced):
            raise KezhengError("signing_refused", number=self._batch.id)

    def _checked(self, recorded: Recorded | None, usable: Collection[bytes], now: datetime) -> Prepared:
        if recorded is None:
            raise KezhengError("signing_refused", number="–")
        row = self._rows.by_id.get(recorded.roster_row_id)
        is_timely = recorded.issued_at.microsecond == 0 and recorded.issued_at <= now + LONGEST_AHEAD
        if row is None or not row.earns_certificate or not is_timely or not self._is_own_number(recorded.number, row):
            raise KezhengError("signing_refused", number=recorded.number)
        claims = claims_of_row(row, recorded.number, recorded.issued_at, recorded.status_index)
        for kid in usable:
            approved = prepare(claims, kid)
            if approved.to_be_signed == recorded.to_be_signed:
                return approved
        raise KezhengError("signing_refused", number=recorded.number)

    def _is_own_number(self, text: str, row: ApprovedRow) -> bool:
        """Whether it is a number that the institution could give for what was assessed."""
        try:
            number = parse_number(text, self._home.layouts)
        except KezhengError:
            return False
        return number.institution_code == self._batch.institution_code and number.grade in (None, row.subject.grade)

    def _seal(self, recorded: Recorded, prepared: Prepared) -> Sealed:
        signer = self._home.keyring.signer_by_kid(prepared.kid)
        return Sealed(*recorded[:5], seal(prepared, signer.sign(prepared.to_be_signed)))

    def _take(self, count: int, now: datetime) -> None:
        """Count signatures of the last minute."""
        while self._made and now - self._made[0][0] >= RATE_PERIOD:
            self._made.popleft()
        if count + sum(made for _, made in self._made) > self._home.settings.signatures_per_minute:
            raise KezhengError("signing_rate_exceeded", limit=self._home.settings.signatures_per_minute)
        self._made.append((now, count))
