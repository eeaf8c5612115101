"""polis: a governed shell for coding agents, and the workspaces they run in."""

__version__ = "0.1.0"
