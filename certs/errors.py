"""The one error family: a stable code, and the values that its words need."""

from __future__ import annotations

Param = str | int


class KezhengError(Exception):
    """Something was refused. ``code`` is stable and has words in ``certs/wording/error.toml``.

    ``params`` fill the words; they never hold an ID number, a name or other personal data.
    """

    def __init__(self, code: str, **params: Param) -> None:
        super().__init__(code, params)
        self.code = code
        self.params: dict[str, Param] = params

    def __reduce__(self) -> tuple[object, ...]:
        """What another process raises keeps its code and its values on the way here."""
        return _again, (self.code, self.params)

    def __str__(self) -> str:
        shown = ", ".join(f"{name}={value}" for name, value in self.params.items())
        return f"{self.code} ({shown})" if shown else self.code


def _again(code: str, params: dict[str, Param]) -> KezhengError:
    return KezhengError(code, **params)
