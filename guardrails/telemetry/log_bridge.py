"""Hands the lines of the package's own loggers on as log records of OpenTelemetry, with the trace in which they were written.

These lines hold no text of a request or an answer. Of an exception there is its class, as its words may quote one.
"""

from __future__ import annotations

import logging
from typing import Final

from opentelemetry._logs import Logger, LogRecord, SeverityNumber
from opentelemetry.context import get_current

from guardrails.telemetry import conventions as names

SOURCE: Final = "guardrails"
"""The logger whose lines, and whose children's, are handed on."""

SEVERITIES: Final = (
    (logging.CRITICAL, SeverityNumber.FATAL, "FATAL"),
    (logging.ERROR, SeverityNumber.ERROR, "ERROR"),
    (logging.WARNING, SeverityNumber.WARN, "WARN"),
    (logging.INFO, SeverityNumber.INFO, "INFO"),
)
"""The least level → how OpenTelemetry calls it; what is below is `DEBUG`."""


class LogBridge(logging.Handler):
    """Hands lines on, from `attach` to `detach`.

    Args:
        logger: takes the records.
    """

    def __init__(self, logger: Logger) -> None:
        super().__init__()
        self._logger = logger

    def attach(self) -> None:
        """Begin."""
        logging.getLogger(SOURCE).addHandler(self)

    def detach(self) -> None:
        """End."""
        logging.getLogger(SOURCE).removeHandler(self)
        self.close()

    def emit(self, record: logging.LogRecord) -> None:
        """Hand a line on."""
        try:
            self._logger.emit(_translate(record))
        except Exception:
            self.handleError(record)


def _translate(record: logging.LogRecord) -> LogRecord:
    """Return a line as OpenTelemetry has it."""
    attributes = {names.LOGGER.name: record.name}
    if record.exc_info and record.exc_info[0] is not None:
        attributes[names.EXCEPTION_TYPE.name] = record.exc_info[0].__name__
    number, text = next(
        ((number, text) for level, number, text in SEVERITIES if record.levelno >= level),
        (SeverityNumber.DEBUG, "DEBUG"),
    )
    return LogRecord(
        timestamp=int(record.created * 1e9),
        context=get_current(),
        severity_number=number,
        severity_text=text,
        body=record.getMessage(),
        attributes=attributes,
    )
