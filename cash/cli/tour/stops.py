"""The stops of the tour, in order."""

from __future__ import annotations

from cash.cli.tour.guide import Guide
from cash.faults import DENIED, UNANSWERED


def walk(guide: Guide, alice: str, bob: str, *, shop: bool) -> None:
    """Shows everything with two new agents of these names. shop: in the tour's own repository,
    where there is a package to build."""
    _adopt(guide, alice, bob)
    if shop:
        _work(guide, alice)
    _overstep(guide, alice)
    _reach_out(guide, alice)
    _look_around(guide, alice, bob)
    _look_back(guide, alice)


def _adopt(guide: Guide, alice: str, bob: str) -> None:
    guide.say(f"A repository, {guide.folder}, and two agents on it.")
    guide.polis("init")
    guide.polis("agents", "add", alice)
    guide.polis("agents", "add", bob)
    guide.polis("agents", "list")


def _work(guide: Guide, alice: str) -> None:
    guide.say("What is harmless runs as it is.")
    guide.agent(alice, "npm run build && cat dist/tags.txt")
    guide.say("npm is carried out by pnpm, which downloads through the walls' proxy.")
    guide.agent(alice, "npm install left-pad")
    guide.agent(alice, "node -p 'require(\"left-pad\")(7, 3, 0)'")
    guide.say("Commits made inside appear outside, on the agent's branch.")
    guide.agent(alice, "git add -A && git commit -q -m 'Pad the prices' && git log --oneline -2")
    guide.await_branch(f"agent/{alice}", "Pad the prices")
    guide.user("git", "log", "--oneline", "-2", f"agent/{alice}")


def _overstep(guide: Guide, alice: str) -> None:
    guide.say("A line is refused whole: its first half has not run either.")
    guide.agent(alice, "echo hi > ok.txt; rm -rf ~", status=DENIED)
    guide.agent(alice, "ls ok.txt", status=2)
    guide.say("What may be right is asked about, and answered by `polis approvals`.")
    guide.agent(alice, "touch leftover.txt")
    guide.asked(alice, "git clean -f leftover.txt", allow=True)
    guide.asked(alice, "git push --force", allow=False, status=DENIED)
    guide.say("Nobody answers: the command ends, the question stays.")
    guide.polis("config", "set", "ask-seconds", "2")
    guide.agent(alice, f"git push --force origin agent/{alice}:main", status=UNANSWERED)
    guide.polis("approvals")


def _reach_out(guide: Guide, alice: str) -> None:
    guide.say("A host that nothing allows is out of reach, in a script as in a line.")
    guide.agent(alice, "curl -sS http://169.254.169.254/latest/meta-data/", status=DENIED)
    guide.agent(alice, "echo 'curl -sS https://example.org' > fetch.sh")
    guide.agent(alice, "sh fetch.sh", status=UNANSWERED)


def _look_around(guide: Guide, alice: str, bob: str) -> None:
    guide.say("Behind the walls there is no other agent, and no key of yours.")
    guide.agent(alice, f"ls {guide.quietly('agents', 'path', bob).strip()}", status=2)
    guide.user("ls", "-A", f"{guide.environment['HOME']}/.ssh")
    guide.agent(alice, "ls -A ~/.ssh")


def _look_back(guide: Guide, alice: str) -> None:
    guide.say("All of it is in the journal, and the journal is as it was written.")
    guide.polis("log", "--agent", alice, "--limit", "12")
    guide.polis("log", "verify")
