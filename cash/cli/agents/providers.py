"""polis agents providers: which agents' programs there are here, and what is missing."""

from __future__ import annotations

from typing import Any

import click

from cash.cli.calls import ask
from cash.cli.printing import (
    json_option,
    one_line,
    print_columns,
    print_json,
    print_text,
)
from cash.cli.providers import complete_providers
from cash.cli.table import command as make_command


@make_command(
    "polis agents providers",
    "polis agents providers claude",
    "polis agents providers --json | jq -r '.[] | select(.usable).name'",
    "polis agents providers --schema >manifest.schema.json    # for your own manifests",
    name="providers",
)
@click.argument("name", metavar="[PROVIDER]", required=False, shell_complete=complete_providers)
@click.option("--schema", is_flag=True, help="Print the JSON schema of manifests, for editors.")
@json_option
def command(name: str | None, schema: bool, as_json: bool) -> None:
    """List the providers: programs that an agent can be, and whether they are installed.

    Each program is asked for its version, and given 5 seconds for it. Manifests of your own in
    ~/.config/polis/agents/*.yaml add to these, or replace one of the same name.
    """
    if schema:
        from cash.content import content_folder

        print_text((content_folder("agents") / "schema.json").read_text().rstrip())
        return
    given = {"provider": name} if name else {}
    answer = ask("asking the programs for their versions", "providers.list", **given)
    if as_json:
        print_json(answer["providers"])
    else:
        _print(answer["providers"])
    for what in answer["broken"].values():
        click.echo(f"polis: {one_line(what)}; that manifest is left out", err=True)


def _print(found: list[dict[str, Any]]) -> None:
    rows = [(one["name"], one["version"] or "-", one["path"] or "-") for one in found]
    print_columns(("provider", "version", "program"), rows)
    for one in found:
        for note in one["notes"] if one["usable"] else ():
            print_text(f"{one['name']}: {note}")
    for one in found:
        if one["trouble"]:
            print_text(f"{one['name']}: {one_line(one['trouble'])}; {one['hint']}")
