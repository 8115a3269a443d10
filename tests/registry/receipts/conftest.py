"""Two registries of the same name, and a receipt that the first has signed."""

from __future__ import annotations

import pytest
from receipt_signing import BUNDLE, FACE, NOW, SigningRegistry, new_registry

from registry.receipts.pades import sign_pdf
from registry.rendering.receipt_pdf import ReceiptPrinter


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> SigningRegistry:
    return new_registry(tmp_path_factory.mktemp("registry") / "keys")


@pytest.fixture(scope="session")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> SigningRegistry:
    return new_registry(tmp_path_factory.mktemp("stranger") / "keys")


@pytest.fixture(scope="session")
def receipts() -> ReceiptPrinter:
    return ReceiptPrinter()


@pytest.fixture(scope="session")
def unsigned(receipts: ReceiptPrinter) -> bytes:
    return receipts.render_pdf(FACE, BUNDLE)


@pytest.fixture(scope="session")
def signed(unsigned: bytes, registry: SigningRegistry) -> bytes:
    return sign_pdf(unsigned, registry.signer, NOW)
