"""Keys that protect what is stored: field encryption, blind index, places in the status list.

Three different secrets: who steals one of them has not got the others. The blind index key deserves the same
care as the numbers themselves, because ID numbers are few enough to try them all.
"""

from __future__ import annotations

import hmac
import os
from array import array
from collections.abc import Callable, Mapping
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from certs.errors import KezhengError
from certs.status_list import LIST_SIZE

KEY_ID_LENGTH = 8
_FORMAT = b"\x01"
_NONCE_LENGTH = 12
_TAG_LENGTH = 16
_HEADER_LENGTH = 1 + KEY_ID_LENGTH + _NONCE_LENGTH
_WORD = 8


class FieldCipher:
    """AES-256-GCM for single fields of single rows.

    A ciphertext is format (1 byte) ‖ key id (8) ‖ nonce (12, random) ‖ encrypted ‖ tag (16). It opens
    only in the table, column and row that it was sealed for. New fields are sealed under the current key,
    older keys still open theirs.
    """

    __slots__ = ("_ciphers", "_current", "_read_keys", "current_key_id")

    def __init__(
        self,
        keys: Mapping[bytes, bytes],
        current_key_id: bytes,
        read_keys: Callable[[], Mapping[bytes, bytes]] | None = None,
    ) -> None:
        """Take 32-byte keys by their 8-byte ids. Raises KeyError when the current one is not among them.

        ``read_keys`` gives the keys as they are then, when a field names one that was made since.
        """
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self._current = self._ciphers[current_key_id]
        self._read_keys = read_keys
        self.current_key_id = current_key_id

    def seal(self, table: str, column: str, row_id: int, text: str) -> bytes:
        """The ciphertext of a field, 37 bytes longer than the text in UTF-8."""
        return self.seal_bytes(table, column, row_id, text.encode())

    def seal_bytes(self, table: str, column: str, row_id: int, content: bytes) -> bytes:
        """The ciphertext of something that is no text, 37 bytes longer."""
        nonce = os.urandom(_NONCE_LENGTH)
        bound = _bound_data(table, column, row_id, self.current_key_id)
        return _FORMAT + self.current_key_id + nonce + self._current.encrypt(nonce, content, bound)

    def open(self, table: str, column: str, row_id: int, ciphertext: bytes) -> str:
        """The text of a field. Raises as `open_bytes` does."""
        return self.open_bytes(table, column, row_id, ciphertext).decode()

    def open_bytes(self, table: str, column: str, row_id: int, ciphertext: bytes) -> bytes:
        """The bytes that were sealed.

        Raises KezhengError ``data_key_unknown`` when its key is not at hand, ``data_damaged`` when the
        ciphertext was altered or sealed for another place.
        """
        if len(ciphertext) < _HEADER_LENGTH + _TAG_LENGTH or ciphertext[:1] != _FORMAT:
            raise KezhengError("data_damaged")
        key_id = ciphertext[1 : 1 + KEY_ID_LENGTH]
        cipher = self._ciphers.get(key_id) or self._made_since(key_id)
        nonce, sealed = ciphertext[1 + KEY_ID_LENGTH : _HEADER_LENGTH], ciphertext[_HEADER_LENGTH:]
        try:
            return cipher.decrypt(nonce, sealed, _bound_data(table, column, row_id, key_id))
        except InvalidTag as error:
            raise KezhengError("data_damaged") from error

    def _made_since(self, key_id: bytes) -> AESGCM:
        """The cipher of a key that another process made while this one ran."""
        found = self._read_keys().get(key_id) if self._read_keys is not None else None
        if found is None:
            raise KezhengError("data_key_unknown", key=key_id.hex())
        self._ciphers[key_id] = AESGCM(found)
        return self._ciphers[key_id]


class BlindIndex:
    """HMAC-SHA-256 that finds a person by document without storing the number."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        """Take a 32-byte key that encrypts nothing."""
        self._key = key

    def of(self, id_type: str, same_person_key: str) -> bytes:
        """32 bytes, equal for documents of the same person: over id type ‖ 0x00 ‖ normalised number.

        Raises ValueError for a type that contains the separator.
        """
        if "\x00" in id_type:
            raise ValueError("an id type holds no NUL")
        return hmac.digest(self._key, f"{id_type}\x00{same_person_key}".encode(), "sha256")


class StatusIndexPermutation:
    """Turns a counter into status indexes that look drawn by lot, never repeat and fill list after list.

    Within each list the places are sorted by a secret 64-bit word each (AES-256-CTR under this key, the
    list in the counter block): to whoever has not got the key every order of the list is as likely as any
    other. The first index of a list costs about 0.1 s, each further one under a microsecond.
    """

    __slots__ = ("_key", "_order")

    def __init__(self, key: bytes) -> None:
        """Take a 32-byte key."""
        self._key = key
        self._order = lru_cache(maxsize=4)(self._shuffled_places)

    def index(self, counter: int) -> int:
        """The status index of a counter value from 0 upwards."""
        number, position = divmod(counter, LIST_SIZE)
        return number * LIST_SIZE + self._order(number)[position]

    def _shuffled_places(self, number: int) -> array[int]:
        counter_block = number.to_bytes(8, "big") + bytes(8)
        stream = Cipher(algorithms.AES256(self._key), modes.CTR(counter_block)).encryptor()
        words = array("Q", stream.update(bytes(LIST_SIZE * _WORD)))
        return array("I", sorted(range(LIST_SIZE), key=words.__getitem__))


def _bound_data(table: str, column: str, row_id: int, key_id: bytes) -> bytes:
    return b"%s\x00%s\x00%d\x00%s" % (table.encode(), column.encode(), row_id, key_id)
