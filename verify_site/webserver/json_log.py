"""Log records as one JSON object a line, for programs that read them."""

from __future__ import annotations

import json
import logging
import os
from datetime import UTC, datetime


class JsonFormatter(logging.Formatter):
    """``{"time", "level", "event", "pid", "message"}``; ``event`` is the logger's name. Tracebacks are left out."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        fields = {
            "time": format_moment(record.created),
            "level": record.levelname.lower(),
            "event": record.name,
            "pid": os.getpid(),
            "message": record.getMessage(),
        }
        return json.dumps(fields, ensure_ascii=False)


def json_to_stderr(logger: logging.Logger, level: int = logging.INFO) -> None:
    """Write a logger's records, and those below it, to stderr in this form and nowhere else."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter())
    logger.handlers = [handler]
    logger.setLevel(level)
    logger.propagate = False


def format_moment(seconds: float) -> str:
    """``2026-11-20T06:00:00.123Z`` of seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
