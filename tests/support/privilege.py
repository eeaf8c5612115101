"""What only root can set up for a test."""

from __future__ import annotations

import os

import pytest

needs_root = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root mounts, gives files to another user, or becomes one"
)
