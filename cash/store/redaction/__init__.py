"""Takes secrets out of what is journaled, before it is written anywhere."""

from cash.store.redaction.redact import (
    redact_argv,
    redact_body,
    redact_environment,
    redact_text,
)

__all__ = ["redact_argv", "redact_body", "redact_environment", "redact_text"]
