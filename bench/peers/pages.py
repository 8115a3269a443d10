"""WeasyPrint: one page with a certificate's text and a picture of its size."""

from __future__ import annotations

from itertools import count

from rates import tell
from weasyprint import HTML

PAGE = """<html lang="zh"><style>@page {{ size: A4; margin: 23mm }} body {{ font-family: "Noto Serif CJK SC" }}
td {{ border-top: 1px solid #ccc; padding: 2mm }}</style><body><h1>数字技术工程师专业技术等级证书</h1>
<p>{number}</p><h2>张小明</h2><p>经考核，成绩合格，具备智能制造工程技术人员中级专业技术等级。</p>
<table><tr><td>证件号码<td>150102********0013<td>职业编码<td>2-02-38-05<tr><td>职业方向<td>智能装备与产线应用
<td>等级<td>中级<tr><td>考核日期<td>2026-05-18<td>发证日期<td>2026-05-20</table>
<svg width="35mm" height="35mm" viewBox="0 0 65 65"><path d="{modules}"/></svg></body></html>"""
MODULES = "".join(f"M{x} {y}h1v1h-1z" for y in range(65) for x in range(65) if (x * y + x + y) % 2)
_turn = count()


def page() -> int:
    """One PDF, different from every other."""
    content = HTML(string=PAGE.format(number=f"P0001150000012620{next(_turn):06}", modules=MODULES)).write_pdf()
    if not content.startswith(b"%PDF"):
        raise RuntimeError("a sample page was not made")
    return 1


tell("weasyprint", "page", page)
