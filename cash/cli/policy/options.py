"""What several policy commands ask in the same words."""

from __future__ import annotations

import click

level_option = click.option(
    "--level",
    type=click.Choice(["observe", "relaxed", "balanced", "strict"]),
    default="balanced",
    show_default=True,
    help="Judge at this level.",
)
