"""The two kinds of certificate and the three grades (Shandong plan 2022, 三（三）: 初级、中级、高级)."""

from __future__ import annotations

from enum import StrEnum


class CertificateKind(StrEnum):
    """Who issues, hence what the paper is: a grade certificate or a completion certificate."""

    ASSESSMENT = "assessment"
    TRAINING = "training"

    @property
    def letter(self) -> str:
        """First character of the institution code: P (评价) or T (培训)."""
        return "P" if self is CertificateKind.ASSESSMENT else "T"

    @property
    def title_zh(self) -> str:
        """The title printed on the certificate."""
        return "专业技术等级证书" if self is CertificateKind.ASSESSMENT else "培训合格证书"


class Grade(StrEnum):
    """The grade of a certificate; its digit in numbers and claims is 3, 2, 1 from junior to senior."""

    JUNIOR = "junior"
    INTERMEDIATE = "intermediate"
    SENIOR = "senior"

    @property
    def digit(self) -> int:
        """3 初级, 2 中级, 1 高级."""
        return _DIGITS[self]

    @property
    def zh(self) -> str:
        """初级, 中级 or 高级."""
        return _NAMES_ZH[self]

    @classmethod
    def from_digit(cls, digit: int) -> Grade:
        """The grade of a digit 1–3. Raises ValueError."""
        grade = _BY_DIGIT.get(digit)
        if grade is None:
            raise ValueError(f"no grade has the digit {digit}")
        return grade


_DIGITS = {Grade.JUNIOR: 3, Grade.INTERMEDIATE: 2, Grade.SENIOR: 1}
_BY_DIGIT = {digit: grade for grade, digit in _DIGITS.items()}
_NAMES_ZH = {Grade.JUNIOR: "初级", Grade.INTERMEDIATE: "中级", Grade.SENIOR: "高级"}
