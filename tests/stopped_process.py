"""A process that ends in the middle: what nothing in the program catches, to be put in the place of a step."""

from __future__ import annotations


class Stopped(BaseException):
    """The process ends here."""


def stop(*_: object) -> None:
    """The step at which it ends."""
    raise Stopped
