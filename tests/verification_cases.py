"""All stories of verification in one table, told once.

The tests of verification, report and words read this table, so that a code without a story, and a story without
words, are found.
"""

from __future__ import annotations

from functools import cache

import stories_of_form
import stories_of_judgement
import stories_of_register
import stories_of_signature
from simulator import World
from verification_story import STORIES, Case

from certs.finding import Verification
from certs.verification import verify_qr_text

TOLD_IN = (stories_of_form, stories_of_signature, stories_of_register, stories_of_judgement)
CASES: list[Case] = list(STORIES.values())


@cache
def verification_of(name: str) -> Verification:
    """What comes of a story; told once, however many tests look at it."""
    asked = STORIES[name].tell(World())
    return verify_qr_text(asked.text, asked.evidence, asked.at)
