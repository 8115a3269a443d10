"""Certificate numbers many at once: those of one series share all but serial and check character."""

from __future__ import annotations

from collections.abc import Sequence

from certs.certificate_number import number_prefix
from certs.errors import KezhengError
from certs.grades import Grade
from certs.identifiers import mod_37_36_check, mod_37_36_state
from certs.number_layout import Layout


def format_numbers(
    layout: Layout, *, institution_code: str, issued_year: int, grade: Grade | None, serials: Sequence[int]
) -> list[str]:
    """What `format_number` gives for each serial, and its errors: of them all nothing comes back then."""
    width = layout.width("serial")
    outside = next((serial for serial in serials if not 1 <= serial < 10**width), None)
    if outside is not None:
        raise KezhengError("number_serial_out_of_range", serial=outside)
    prefix = number_prefix(layout, institution_code=institution_code, issued_year=issued_year, grade=grade)
    digits = [f"{serial:0{width}}" for serial in serials]
    if not layout.has_check:
        return [prefix + each for each in digits]
    state = mod_37_36_state(prefix)
    return [f"{prefix}{each}{mod_37_36_check(each, state)}" for each in digits]
