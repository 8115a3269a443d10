"""Checking a receipt that somebody presents: everything in it again, from a trusted root, and the answer in words.

The attached bundle is judged; a PDF's own signature is a notice beside it. A receipt without the registry's
counter-signature proves that a certificate was in the register and no more: neither what the certificate says nor which
status is its own can be told from it, so its verdict is not repeated.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from certs.errors import KezhengError
from certs.finding import Check, CheckName, Outcome, Verification, form_verdict
from certs.receipt import Receipt, check_receipt
from certs.receipt_bundle import report_of_bundle
from certs.report import ReportContext, report_json
from certs.root_chain import RootKey
from certs.timestamps import format_instant, format_minute, instant_from_epoch, instant_from_ms
from certs.wording import words
from registry.scanning.confinement import ask_child

_PADES_CHILD = "registry.receipts.pades_child"


class PresentedReceipt(NamedTuple):
    """A receipt as it was handed in: ``receipt.json``, and the PDF to which it was attached."""

    document: bytes
    pdf: bytes | None = None


def receipt_report(presented: PresentedReceipt, root: RootKey, chain: bytes | None) -> dict[str, Any]:
    """The report that a receipt tells, with a member ``receipt``; raises KezhengError as `check_receipt`."""
    receipt = check_receipt(presented.document, root, chain)
    code = None if presented.pdf is None else pdf_signature_code(presented.pdf, receipt)
    report = report_of_bundle(receipt.bundle) if receipt.counter_signed else _report_of_unsigned(receipt)
    if code is not None:
        said = words("notice", code)
        report["notices"] = [*report["notices"], {"code": code, "zh": said.zh, "en": said.en}]
    return report | {"receipt": _about(receipt, code)}


def pdf_signature_code(pdf: bytes, receipt: Receipt) -> str:
    """What the signature of the PDF is worth under the document CA of the receipt's delegation."""
    try:
        answer = ask_child(_PADES_CHILD, pdf, receipt.delegation.document_ca, str(receipt.bundle["checked_at"]))
    except KezhengError:
        # What breaks the reader was not made by the registry.
        return "pdf_signature_altered"
    return str(answer["code"])


def _report_of_unsigned(receipt: Receipt) -> dict[str, Any]:
    """Only the proof from the register counts; nothing is shown that nobody signed."""
    bundle = receipt.bundle
    open_checks = {name: Check(name, Outcome.INDETERMINATE, "receipt_not_signed") for name in CheckName}
    if bundle["log"] is not None:
        logged_at = format_minute(instant_from_ms(bundle["log"]["logged_at_ms"]))
        open_checks[CheckName.LOG] = Check(CheckName.LOG, Outcome.PASSED, "logged", (("logged_at", logged_at),))
    checks, at = tuple(open_checks.values()), instant_from_epoch(bundle["at"])
    told = Verification(form_verdict(checks), checks, (), at, None)
    return report_json(told, ReportContext(str(bundle["check_id"]), at))


def _about(receipt: Receipt, pdf_signature: str | None) -> dict[str, Any]:
    bundle, delegated = receipt.bundle, receipt.delegation
    return {
        "counter_signed": receipt.counter_signed,
        "stated_verdict": bundle["verdict"],
        "pdf_signature": pdf_signature,
        "envelope_digest": bundle["envelope_digest"],
        "trust_list": {name: bundle["trust_list"][name] for name in ("digest", "epoch", "version")},
        "delegation": {
            "epoch": delegated.epoch,
            "issued_at": format_instant(delegated.issued_at),
            "expires_at": format_instant(delegated.expires_at),
        },
    }
