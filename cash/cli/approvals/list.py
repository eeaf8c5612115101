"""polis approvals list: the open questions."""

from __future__ import annotations

from cash.cli.calls import ask
from cash.cli.measures import age
from cash.cli.printing import json_option, one_line, print_json, print_text, style
from cash.cli.table import command as make_command


@make_command("polis approvals list", "polis approvals list --json", name="list")
@json_option
def command(as_json: bool) -> None:
    """List the open questions, oldest first."""
    questions = ask("asking polisd", "approvals.list")["questions"]
    if as_json:
        print_json(questions)
        return
    if not questions:
        print_text("nothing is asked")
    several = len({question["repository"] for question in questions}) > 1
    for question in questions:
        when = age(question["asked"]) + (", waiting" if question.get("waits") else "")
        where = f"  {question['repository']}" if several else ""
        print_text(
            f"{style(question['id'], bold=True)}  {question['agent']}  {when}{where}\n"
            f"    {one_line(question.get('rewritten') or question['line'])}\n"
            + "\n".join(f"    {rule['id']}: {rule['reason']}" for rule in question["rules"])
        )
        for one in question.get("commands") or ():
            print_text(f"    which runs: {one_line(one)}")
        for choice in question["choices"]:
            way = f"polis approvals allow {question['id']} --choose {choice['word']}"
            print_text(f"    {choice['meaning']}: {way}")
    plain = next((one["id"] for one in questions if not one["choices"]), None)
    if plain:
        print_text(f"answer: polis approvals allow {plain}, or polis approvals deny {plain}")
