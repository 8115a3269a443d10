"""Codes, pictures and PDFs to scan."""

import random
from base64 import b32encode
from collections.abc import Callable
from io import BytesIO

import pypdfium2
import pytest
from PIL import Image

from registry.rendering.qr_image import qr_code


@pytest.fixture(scope="session")
def envelope_of() -> Callable[[int], bytes]:
    return lambda seed: random.Random(seed).randbytes(166)


@pytest.fixture(scope="session")
def text_of(envelope_of: Callable[[int], bytes]) -> Callable[[int], str]:
    return lambda seed: "HTTPS://VERIFY.EXAMPLE.CN/V/" + b32encode(envelope_of(seed)).decode().rstrip("=")


@pytest.fixture(scope="session")
def code_of(text_of: Callable[[int], str]) -> Callable[[int], Image.Image]:
    return lambda seed: Image.open(BytesIO(qr_code(text_of(seed)).png())).convert("RGB")


@pytest.fixture(scope="session")
def saved() -> Callable[..., bytes]:
    def save(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
        file = BytesIO()
        image.save(file, kind, **options)
        return file.getvalue()

    return save


@pytest.fixture(scope="session")
def pdf_of() -> Callable[..., bytes]:
    """A PDF of these pictures, one a page, with these attachments (name and content)."""

    def make(pictures: list[Image.Image], *attachments: tuple[str, bytes]) -> bytes:
        file = BytesIO()
        pictures[0].save(file, "PDF", save_all=True, append_images=pictures[1:], resolution=200)
        document = pypdfium2.PdfDocument(file.getvalue())
        for name, content in attachments:
            document.new_attachment(name).set_data(content)
        changed = BytesIO()
        document.save(changed)
        document.close()
        return changed.getvalue()

    return make
