"""SHA-256 without OpenSSL, which would cost every keeper two megabytes."""

from __future__ import annotations

import importlib
import sys
from typing import Any

_SHA: Any = importlib.import_module("_sha2" if sys.version_info >= (3, 12) else "_sha256")


def hash_content(content: bytes) -> str:
    """In hexadecimal."""
    found: str = _SHA.sha256(content).hexdigest()
    return found
