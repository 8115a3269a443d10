"""What a scanned file may cost. Beyond it the answer is ``image_too_large``; nothing is read in part."""

MAX_FILE_BYTES = 25_000_000
MAX_PIXELS = 64_000_000
"""Of one image: the cameras of today's phones, uncompressed 200 MB as colour and 64 MB as grey."""
MAX_PAGES = 20
MAX_PAGE_OBJECTS = 50_000
"""Texts, paths and images of one PDF page; a certificate has a few hundred."""
MAX_PAGE_PIXELS = 16_000_000
MAX_ATTACHMENTS = 16
MAX_ENVELOPE_BYTES = 2_048
"""Of an attached certificate; a real one has some 200."""
MAX_RECEIPT_BYTES = 600_000
"""Of an attached receipt; a real one has some 20,000, and 80,000 with the fullest status list."""
MAX_CODES = 64

MEMORY_BYTES = 1_200_000_000
CPU_SECONDS = 20
WALL_SECONDS = 30.0
MAX_OUTPUT_BYTES = 1_000_000
