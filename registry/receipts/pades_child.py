"""The process that checks the signature of one receipt PDF: bytes on stdin, ``{"code": …}`` on stdout.

Its arguments are the SHA-256 (hex) of the delegated document CA and the instant to judge for, in seconds.
"""

from __future__ import annotations

import json
import sys

from certs.timestamps import instant_from_epoch
from registry.receipts.pades import check_pdf_signature
from registry.scanning.confinement import confine


def main() -> None:
    """Answer for the file on stdin within this process's limits."""
    confine()
    ca_digest, at = sys.argv[1:]
    found = check_pdf_signature(sys.stdin.buffer.read(), {bytes.fromhex(ca_digest)}, instant_from_epoch(int(at)))
    sys.stdout.write(json.dumps({"code": found.code}))


if __name__ == "__main__":
    main()
