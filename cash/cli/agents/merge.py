"""polis agents merge: an agent's commits into a branch of the user's."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import click

from cash.cli.asking import confirm
from cash.cli.calls import ask, complete_agents, here
from cash.cli.merge_conflicts import show_conflicts
from cash.cli.printing import json_option, one_line, print_json, print_text
from cash.cli.table import command as make_command
from cash.cli.work import Work, counted, look, offer_commit, show_changes, show_commits, tell
from cash.faults import Fault, UsageFault
from cash.hub.account import own_account
from cash.hub.changes import list_changes
from cash.hub.merging import Merged, Plan, Wish, carry_out, needs_of, plan_merge
from cash.hub.mutex import hold_hub
from cash.hub.targets import find_target


@make_command(
    "polis agents merge alice",
    "polis agents merge alice --into main --squash --message 'Add price tags'",
    "polis agents merge alice --commit 'The rest' --yes",
    "polis agents merge --all                # in the order polis conflicts shows",
    name="merge",
)
@click.argument("name", metavar="[NAME]", default="", shell_complete=complete_agents)
@click.option("--all", "everybody", is_flag=True, help="Each agent's, until one conflicts.")
@click.option("--into", metavar="BRANCH", help="Into this branch of yours [the current one].")
@click.option("--squash", is_flag=True, help="As one commit.")
@click.option("--message", metavar="TEXT", default="", help="The merge commit's message.")
@click.option("--commit", metavar="TEXT", help="Commit what the agent has not, with this message.")
@click.option("--yes", is_flag=True, help="Merge without asking.")
@json_option
def command(
    name: str,
    everybody: bool,
    into: str | None,
    squash: bool,
    message: str,
    commit: str | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Merge what the agent NAME has committed into your branch.

    First it shows what would change, and asks. What conflicts, or would run over your own
    uncommitted files, is found before anything is touched. Your git merges, with your name and
    your hooks; the way back is printed. With --all the agents are merged in the order in which the
    fewest conflict, each shown and asked about; the first that conflicts ends it.
    """
    if bool(name) == everybody:
        raise UsageFault("an agent's name, or --all", hint="polis agents merge --help")
    bring = partial(
        _bring, into=into, squash=squash, message=message, commit=commit, yes=yes, as_json=as_json
    )
    if everybody:
        _bring_all(into, partial(bring, everybody=True))
    else:
        bring(name)


def _bring_all(into: str | None, bring: Callable[[str], None]) -> None:
    found = ask("comparing the agents' work", "conflicts.look", into=into)
    if found["troubles"]:
        trouble = found["troubles"][0]
        raise Fault(
            f"the work of {trouble['agent']} cannot be looked at: {one_line(trouble['why'])}",
            hint="merge the others by their names",
        )
    order = list(found["order"])
    if not order:
        print_text(f"no agent has anything that is not in {found['into']}")
    for place, name in enumerate(order):
        try:
            bring(name)
        except (Fault, click.exceptions.Exit):
            left = ", ".join(order[place:])
            tell(f"merged: {', '.join(order[:place]) or 'nobody'}; left: {left}")
            raise


def _bring(
    name: str,
    *,
    everybody: bool = False,
    into: str | None,
    squash: bool,
    message: str,
    commit: str | None,
    yes: bool,
    as_json: bool,
) -> None:
    work = look(name)
    find_target(work.repository, work.folder / "agents", Path(here()), into)  # before any commit
    files = len(list_changes(work.repository, work.head, work.work))
    work = offer_commit(work, commit, files, yes=yes)
    wish = Wish(name, work.branch, work.head, squash, message)
    plan = _plan(work, wish, into)
    if plan.way == "nothing":
        _tell_nothing(work, plan, as_json=as_json)
        return
    _show(plan)
    _refuse(work, plan, as_json=as_json)
    words = "--all" if everybody else name
    question = f"Merge {counted(len(plan.commits), 'commit')} of {name} into {plan.target.branch}?"
    confirm(question, yes=yes, hint=f"polis agents merge {words} --yes")
    merged = _merge(work, plan, into)
    if as_json:
        print_json(_describe(work, plan, merged))
    else:
        print_text(f"{name} is merged into {plan.target.branch}, now at {merged.after[:12]}")
        print_text(f"the way back: {merged.way_back}")


def _plan(work: Work, wish: Wish, into: str | None) -> Plan:
    target = find_target(work.repository, work.folder / "agents", Path(here()), into)
    return plan_merge(work.repository, target, wish)


def _merge(work: Work, shown: Plan, into: str | None) -> Merged:
    """Under the hub's lock, where nothing of the agent's arrives: what was shown is what is
    merged, or nothing is."""
    body: dict[str, Any] = {"into": shown.target.branch, "head": work.head, "work": work.work}
    ask("merging", "work.told", agent=work.name, kind="merging", body=body)
    doing = f"polis agents merge {work.name}"
    with hold_hub(work.repository, needs_of(shown), doing, who=own_account().name) as held:
        plan = _plan(work, shown.wish, into)
        if plan != shown:
            raise Fault(
                f"{shown.target.branch} or your files have changed meanwhile",
                hint=f"look again: polis agents merge {work.name}",
            )
        merged = carry_out(held, plan, work.work)
    body |= {"before": merged.before, "after": merged.after, "way": plan.way}
    ask("merging", "work.told", agent=work.name, kind="merged", body=body)
    return merged


def _show(plan: Plan) -> None:
    commits, branch = counted(len(plan.commits), "commit"), plan.target.branch
    click.echo(f"{commits} of {plan.wish.agent} for {branch} ({plan.way}):", err=True)
    show_commits(plan.commits)
    if not plan.conflicts:
        show_changes(plan.changes)
    if plan.hooks:
        tell(f"{plan.hooks[0]} is changed, and hooks lie there: they do not run this time")


def _refuse(work: Work, plan: Plan, *, as_json: bool) -> None:
    if plan.conflicts:
        if as_json:
            print_json(_describe(work, plan, None))
        else:
            show_conflicts(plan)
        tip = plan.target.tip[:12]
        raise Fault(
            f"{work.name} and {plan.target.branch} conflict in "
            f"{counted(len({one.path for one in plan.conflicts}), 'file')}; nothing was changed",
            hint=f"have it resolved there: polis exec {work.name} -- git merge {tip}, "
            f"then polis agents merge {work.name} again",
        )
    if plan.collisions:
        if as_json:
            print_json(_describe(work, plan, None))
        _refuse_collisions(plan)


def _refuse_collisions(plan: Plan) -> NoReturn:
    found, tree = plan.collisions, plan.target.tree
    if found.changed:
        first, kind, hint = found.changed, "uncommitted changes", f"git -C {tree} stash"
    elif found.in_the_way:
        first, kind, hint = found.in_the_way, "files git does not know", f"move it out of {tree}"
    else:
        first, kind, hint = found.staged, "staged changes", f"git -C {tree} commit, or git stash"
    more = f" and {len(first) - 1} more" if len(first) > 1 else ""
    raise UsageFault(
        f"{kind} of yours are in the way: {one_line(first[0])}{more}; nothing was changed",
        hint=f"{hint}, then again",
    )


def _tell_nothing(work: Work, plan: Plan, *, as_json: bool) -> None:
    if as_json:
        print_json(_describe(work, plan, None))
    else:
        print_text(f"{plan.target.branch} has everything that {work.name} has committed")


def _describe(work: Work, plan: Plan, merged: Merged | None) -> dict[str, Any]:
    found = plan.collisions
    return {
        "name": work.name,
        "into": plan.target.branch,
        "way": plan.way,
        "merged": merged is not None,
        "before": plan.target.tip,
        "after": merged.after if merged else plan.target.tip,
        "way_back": merged.way_back if merged else None,
        "saved": list(merged.saved) if merged else [],
        "commits": [
            {"id": one.id, "author": one.author, "subject": one.subject} for one in plan.commits
        ],
        "files": [change.describe() for change in plan.changes],
        "conflicts": [conflict.describe() for conflict in plan.conflicts],
        "in_the_way": [*found.changed, *found.in_the_way, *found.staged],
        "uncommitted": work.uncommitted,
    }
