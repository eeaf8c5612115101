"""polis agents pr: an agent's work as a pull request."""

from __future__ import annotations

import os

import click

from cash.cli.asking import confirm
from cash.cli.calls import agent_argument, ask, places
from cash.cli.printing import json_option, one_line, print_json, print_text
from cash.cli.pull_request import Proposal, find_opener
from cash.cli.table import command as make_command
from cash.cli.work import Work, counted, look, offer_commit, show_changes, show_commits
from cash.faults import UsageFault
from cash.hub.changes import Commit, list_changes, list_commits, message_of
from cash.hub.forge import Forge, choose_remote, default_base, read_address
from cash.hub.pushing import CARRIED
from cash.settings import read_settings, settings_files


@make_command(
    "polis agents pr alice",
    "polis agents pr alice --base main --title 'Add price tags' --draft",
    "polis agents pr alice --commit 'The rest' --yes --json | jq -r .url",
    name="pr",
)
@agent_argument
@click.option("--base", metavar="BRANCH", help="For this branch [the remote's default].")
@click.option("--remote", metavar="NAME", help="Push to this remote [origin].")
@click.option("--title", metavar="TEXT", help="[the first commit's first line]")
@click.option("--body", metavar="TEXT", help="[the commits]")
@click.option("--draft", is_flag=True, help="As a draft.")
@click.option("--commit", metavar="TEXT", help="Commit what the agent has not, with this message.")
@click.option("--yes", is_flag=True, help="Push and open it without asking.")
@json_option
def command(
    name: str,
    base: str | None,
    remote: str | None,
    title: str | None,
    body: str | None,
    draft: bool,
    commit: str | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Push the branch of the agent NAME and open a pull request; print its address.

    It is pushed with your own keys, and opened with gh where that is logged in, else with the
    token in GH_TOKEN. One that is open already is left as it is: the push brings it up to date.
    """
    work = look(name)
    chosen, address = choose_remote(work.repository, remote)
    forge = _forge(work, chosen, address)
    how, open_it = find_opener(forge, _api(work), os.environ)  # before anything is done
    files = len(list_changes(work.repository, work.head, work.work))
    work = offer_commit(work, commit, files, yes=yes)
    base = base or default_base(work.repository, chosen)
    commits = _commits(work, chosen, base)
    proposal = _propose(work, forge, base, commits, (title, body), draft=draft)
    _show(work, proposal, chosen, commits)
    hint = f"polis agents pr {name} --yes"
    confirm(f"Push {proposal.branch} to {chosen} and open it?", yes=yes, hint=hint)
    carried = {key: value for key, value in os.environ.items() if key in CARRIED}
    fields = {"remote": chosen, "branch": work.branch, "environment": carried}
    pushed = ask("pushing", "work.push", agent=name, **fields)
    opened = open_it(proposal)
    told = {"url": opened.url, "existed": opened.existed, "base": base, "with": how}
    ask("telling the journal", "work.told", agent=name, kind="pr-opened", body=told)
    if as_json:
        print_json({**told, "name": name, "title": proposal.title, "commit": pushed["commit"]})
    else:
        print_text(opened.url)


def _forge(work: Work, remote: str, address: str) -> Forge:
    if not work.branch:
        raise UsageFault(
            f"{work.name} is on no branch", hint=f"polis exec {work.name} -- git switch BRANCH"
        )
    forge = read_address(address)
    if forge is None:
        raise UsageFault(
            f"{remote} is at {one_line(address)}, where there are no pull requests",
            hint=f"git push {remote} {work.branch} brings the branch there",
        )
    return forge


def _api(work: Work) -> str:
    files = settings_files(places(), work.repository.root, work.folder)
    return str(read_settings(files, os.environ)["github-api"].value)


def _commits(work: Work, remote: str, base: str) -> tuple[Commit, ...]:
    """Those that the remote's base is not known to have."""
    there = f"refs/remotes/{remote}/{base}"
    known = work.repository.git.try_run("rev-parse", "--verify", "-q", there)[0] == 0
    commits = list_commits(work.repository, work.head, [there if known else work.since])
    if not commits:
        raise UsageFault(
            f"{work.name} has committed nothing that {base} does not have",
            hint=f"polis agents pr {work.name} --commit MESSAGE, if it has done anything",
        )
    return commits


def _propose(
    work: Work,
    forge: Forge,
    base: str,
    commits: tuple[Commit, ...],
    said: tuple[str | None, str | None],
    *,
    draft: bool,
) -> Proposal:
    """Title and body from the commits, unless they are said."""
    first = commits[-1]
    body = "\n".join(f"* {commit.subject}" for commit in commits[::-1])
    if len(commits) == 1:
        body = message_of(work.repository, first.id).partition("\n")[2].strip()
    title, given = said
    return Proposal(
        forge,
        work.branch,
        base,
        title or first.subject,
        given if given is not None else body,
        draft,
    )


def _show(work: Work, proposal: Proposal, remote: str, commits: tuple[Commit, ...]) -> None:
    where = f"{proposal.forge.host}/{proposal.forge.owner}/{proposal.forge.name}"
    count = counted(len(commits), "commit")
    click.echo(f"{proposal.branch} to {remote} ({where}), {count} for {proposal.base}:", err=True)
    show_commits(commits)
    show_changes(list_changes(work.repository, work.since, work.head))
    click.echo(f"  title: {one_line(proposal.title)}", err=True)
