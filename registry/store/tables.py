"""All tables in one place, for what needs the whole schema: migrations and their test."""

from __future__ import annotations

from registry.store.certificate_tables import (
    CERTIFICATE,
    CERTIFICATE_LOGGED,
    CERTIFICATE_PREPARED,
    CERTIFICATE_SEALED,
    COUNTER,
    FORMER_ENVELOPE,
    SERIAL_COUNTER,
    STATUS_EVENT,
)
from registry.store.institution_tables import (
    INSTITUTION,
    INSTITUTION_EVENT,
    INSTITUTION_NAME,
    SCOPE,
    SIGNING_KEY,
    SITE,
)
from registry.store.log_tables import LOG_ENTRY, LOG_TILE, LOG_TREE
from registry.store.recovery_tables import LOST_CERTIFICATE, LOST_SERIALS, LOST_STATUS
from registry.store.register_tables import AUDIT_EVENT, PUBLIC_URL, PUBLISHED_DOCUMENT
from registry.store.roster_tables import BATCH, PERSON, PERSON_DOCUMENT, ROSTER_ROW
from registry.store.webhook_tables import WEBHOOK, WEBHOOK_MESSAGE

TABLES = (
    *(INSTITUTION, INSTITUTION_NAME, SCOPE, SITE, INSTITUTION_EVENT, SIGNING_KEY),
    *(PERSON, PERSON_DOCUMENT, BATCH, ROSTER_ROW),
    *(LOG_ENTRY, LOG_TILE, LOG_TREE),
    *(CERTIFICATE, CERTIFICATE_PREPARED, CERTIFICATE_SEALED, CERTIFICATE_LOGGED, FORMER_ENVELOPE, STATUS_EVENT),
    *(SERIAL_COUNTER, COUNTER),
    *(PUBLISHED_DOCUMENT, PUBLIC_URL, AUDIT_EVENT),
    *(LOST_CERTIFICATE, LOST_SERIALS, LOST_STATUS),
    *(WEBHOOK, WEBHOOK_MESSAGE),
)
