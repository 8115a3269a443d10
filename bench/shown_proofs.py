"""A log of which each entry that matters is shown with its own proof: the dearest way to judge a registration.

The checkpoint is checked once; each entry is held against it anew, with the C2SP tlog-proof that came with it. The
program itself takes nobody's proof for the whole register (threats.md S-02), so this is for measuring alone; what is
measured – reading a proof, hashing up to the root, the verification – is the program's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from certs.errors import KezhengError
from certs.log_entry import is_about, read_entry
from certs.proven_log import ProvenLog
from certs.tlog.merkle import leaf_hash, verify_inclusion
from certs.tlog.proof_file import parse_tlog_proof

Proofs = Callable[[bytes], bytes | None]
"""The proof file that is shown for a digest, None where none is."""


class LogOfShownProofs:
    """A log under a checkpoint with proofs that others bring. Fits the LogReader interface.

    ``register`` proves what all certificates of an institution share, such as its listing; ``note`` is the checkpoint
    that it rests on, and the only one that proofs may lead to.
    """

    is_complete = False

    def __init__(self, register: ProvenLog, note: bytes, proofs: Proofs) -> None:
        self._register = register
        self._note = note
        self._proofs = proofs
        self.size = register.size
        self.root = register.root
        self.witnesses = register.witnesses
        self.newest_at: datetime = register.newest_at

    def covers(self, _instant: datetime) -> bool:
        """Never: nothing is missing from what was not read as a whole."""
        return False

    def entries_about(self, subject: bytes) -> Sequence[tuple[int, bytes]]:
        """The entry that a proof shows, else those that the register proves.

        Raises KezhengError ``log_entries_differ`` for a proof that does not lead from an entry about this digest to the
        root, and as `ProvenLog.entries_about` does.
        """
        shown = self._proofs(subject)
        return self._register.entries_about(subject) if shown is None else [self.proved(shown, subject)]

    def entry(self, index: int) -> bytes | None:
        """The entry at a place, as the register proves it. Raises KezhengError as `ProvenLog.entry` does."""
        return self._register.entry(index)

    def proved(self, shown: bytes, subject: bytes) -> tuple[int, bytes]:
        """Place and content of the entry that a proof file carries in its extra line.

        Raises KezhengError ``log_entries_differ``.
        """
        try:
            index, hashes, note, entry = parse_tlog_proof(shown, self._note)
            if note != self._note or entry is None:
                raise KezhengError("log_proof_invalid")
            verify_inclusion(leaf_hash(entry), index, self.size, hashes, self.root)
            read_entry(entry)
        except KezhengError as error:
            raise KezhengError("log_entries_differ") from error
        if not is_about(entry, subject):
            raise KezhengError("log_entries_differ")
        return index, entry
