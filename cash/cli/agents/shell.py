"""polis agents shell: the same as polis shell."""

from __future__ import annotations

from cash.cli.shell import command

__all__ = ["command"]
