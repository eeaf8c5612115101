"""Where an agent's package managers keep what they have fetched: beside the tree, on its mount.

From a store on another mount nothing can be linked (link(2): EXDEV, be it the same file system):
pnpm and uv then copy every file, which takes several times as long and as much room.
"""

from __future__ import annotations

from cash.workspace.agent import Agent


def write_settings(agent: Agent) -> None:
    """Writes into a new agent's home what cannot be said by the environment: pnpm up to 10 reads
    npm's variables alone, of which npm warns that it does not know them."""
    folder = agent.home / ".config/pnpm"
    folder.mkdir(parents=True)
    (folder / "rc").write_text(f"store-dir={agent.packages}/pnpm\n", encoding="utf-8")


def package_settings(agent: Agent) -> dict[str, str]:
    """What every command inside gets: pnpm from 11 on, and uv."""
    return {
        "pnpm_config_store_dir": f"{agent.packages}/pnpm",
        "UV_CACHE_DIR": f"{agent.packages}/uv",
    }
