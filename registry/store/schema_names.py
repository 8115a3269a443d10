"""What of the schema is known without the tables: its newest migration, and the names of its public views.

Apart from them, because the public side needs both and none of the tables, which take a tenth of a second to load.
"""

from __future__ import annotations

SCHEMA_REVISION = "0006"
"""Newest migration. A constant, so that opening a store does not load the migration tool; a test compares."""

PUBLIC_VIEWS = frozenset({"public_certificate", "public_document"})
"""All that the public side may read: released envelopes by number, and published files."""
