"""polis policy lint: whether policy files load, and what is allowed in them but still wrong."""

from __future__ import annotations

from pathlib import Path

import click

from cash.cli.printing import json_option, print_json, print_text
from cash.cli.table import command as make_command
from cash.cli.work import counted
from cash.faults import USAGE


@make_command(
    "polis policy lint", "polis policy lint .polis/policy.yaml ci/rules.yaml", name="lint"
)
@click.argument("files", metavar="[FILE]…", nargs=-1, type=click.Path(exists=True, dir_okay=False))
@json_option
def command(files: tuple[str, ...], as_json: bool) -> int:
    """Check policy FILEs together with the layers that hold here; those alone, if none is named.

    Every example is judged; rules that nothing shows or that change nothing are named, and so are
    hints that are themselves refused. Exits 64 when there is something to say, and 125
    when a file does not load.
    """
    from cash.cli.policy.here import layers_here
    from cash.policy.layers import Layer
    from cash.policy.lint import lint
    from cash.policy.load import load_policy, read_policy

    here = layers_here()
    # A file that holds here already is checked where it stands.
    held = {path.resolve() for layer in here for path in layer.paths}
    new = {place: None for file in files if (place := Path(file)).resolve() not in held}
    layers = (*here, *([Layer("files", tuple(new))] if new else []))
    load_policy(layers)  # judges the examples
    loaded = read_policy(layers)
    remarks = lint(loaded)
    if as_json:
        print_json(
            [
                {"file": one.file, "line": one.line, "rule": one.rule, "message": one.message}
                for one in remarks
            ]
        )
    else:
        for one in remarks:
            print_text(f"{one.file}:{one.line}: {one.rule}: {one.message}")
        rules, said = len(loaded.policy.rules), len(remarks)
        print_text(f"{counted(rules, 'rule')}, {counted(said, 'remark')}")
    return USAGE if remarks else 0
