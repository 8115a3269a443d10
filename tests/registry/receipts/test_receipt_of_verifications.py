"""Every end of a verification makes a receipt: one page that says the headline of its report."""

from __future__ import annotations

import re

import pypdfium2
import pytest
from simulator import NOW, PUBLIC_URL
from verification_cases import CASES, verification_of
from verification_story import Case

from certs.report import ReportContext, report_json
from registry.rendering.receipt_face import ReceiptIssue, receipt_face
from registry.rendering.receipt_pdf import ReceiptPrinter


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_end_of_a_verification_fits_on_a_receipt(case: Case, receipts: ReceiptPrinter) -> None:
    report = report_json(verification_of(case.name), ReportContext("7K3F-92QD", NOW))
    issue = ReceiptIssue("北疆登记", PUBLIC_URL, " ".join(["3f2a9c01"] * 8), bytes(32))
    document = pypdfium2.PdfDocument(receipts.render_pdf(receipt_face(report, issue), b"{}"))
    assert len(document) == 1
    said = re.sub(r"\s", "", document[0].get_textpage().get_text_range())
    assert report["headline"]["zh"] in said
    certificate = report["certificate"]
    assert ("证书编号CertificateNo." in said) == (certificate is not None)
    if certificate is not None:
        assert certificate["number"] in said
