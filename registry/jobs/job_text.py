"""How the engine keeps what jobs are given and what they give: JSON of counts and codes, and nothing else.

The engine's own way is pickle, which runs code for whoever can write its tables and keeps whatever it is handed. Here
a text that is no code of the register, or that could be the number of an identity document, is refused.
"""

from __future__ import annotations

import re
from typing import Any

import orjson
from dbos import Serializer

from certs.errors import KezhengError

FORMAT = "kezheng_json"
_CODE = re.compile(r"[A-Za-z0-9_.:-]{0,120}", re.ASCII)
_ID_NUMBER = re.compile(r"\d{15}|\d{17}[\dXx]", re.ASCII)
_WITHHELD = "–"


class JobSerializer(Serializer):
    """Values and refusals as text, for the engine."""

    def name(self) -> str:
        """What the engine notes beside each text."""
        return FORMAT

    def serialize(self, data: Any) -> str:
        """A value of counts and codes, or an exception. Raises TypeError for anything else."""
        if isinstance(data, BaseException):
            return orjson.dumps({"refused": refusal_of(data)}).decode()
        return orjson.dumps({"value": _plain(data)}).decode()

    def deserialize(self, serialized_data: str) -> Any:
        """What was kept: a value, or the KezhengError that ended a job."""
        kept = orjson.loads(serialized_data)
        if "refused" in kept:
            return KezhengError(kept["refused"]["code"], **kept["refused"]["params"])
        return kept["value"]


def refusal_of(error: BaseException) -> dict[str, Any]:
    """An exception as code and parameters; of one that is not ours the code is ``internal`` and no word is kept."""
    if not isinstance(error, KezhengError):
        return {"code": "internal", "params": {}}
    return {"code": error.code, "params": {name: _shown(value) for name, value in error.params.items()}}


def _shown(value: str | int) -> str | int:
    return value if isinstance(value, int) or _is_code(value) else _WITHHELD


def _is_code(text: str) -> bool:
    return _CODE.fullmatch(text) is not None and _ID_NUMBER.fullmatch(text) is None


def _plain(value: Any) -> Any:
    """The value as JSON types. Raises TypeError for what is neither a count nor a code."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str) and _is_code(value):
        return value
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, dict) and all(isinstance(name, str) and _is_code(name) for name in value):
        return {name: _plain(each) for name, each in value.items()}
    raise TypeError(f"a job holds counts and codes only, not {type(value).__name__}")
