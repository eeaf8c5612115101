"""What a rewriting rule makes of one command."""

from __future__ import annotations

from dataclasses import replace

from cash.policy.action import Exec
from cash.policy.arguments import consumed
from cash.policy.command_tests import Args
from cash.policy.context import Facts
from cash.policy.identity import Naming
from cash.policy.rewriters.result import Rewritten, Unchanged, Unclear
from cash.policy.rule import Rule
from cash.policy.subject import Subject
from cash.policy.template import Template


def rewrite_command(
    rule: Rule, subject: Subject, naming: Naming | None
) -> Rewritten | Unchanged | Unclear:
    """Pure. An applet (`busybox grep`) keeps its multicall program's own words out."""
    command = subject.command
    if command is None or rule.rewrite is None:
        return Unchanged()
    skip = naming.skip if naming is not None else 1
    if isinstance(rule.rewrite, Template):
        arguments = command.argv[skip:]
        return Rewritten(rule.rewrite.fill(arguments, _named_positions(rule, subject, naming)))
    return rule.rewrite(command.argv[skip - 1 :], _facts_at(subject))


def _facts_at(subject: Subject) -> Facts:
    """The facts were gathered where the line starts; behind `cd` the lock files are elsewhere."""
    context = subject.scene.context
    if isinstance(subject.action, Exec) and subject.action.cwd == context.cwd:
        return context.facts
    return replace(context.facts, lock_folder="")


def _named_positions(rule: Rule, subject: Subject, naming: Naming | None) -> frozenset[int]:
    """Where in the arguments the words stand that `args` named one by one."""
    command = subject.command
    tests = [test for test in rule.body.tests if isinstance(test, Args)]
    if not tests or command is None:
        return frozenset()
    arguments = subject.arguments(naming, rule.body.usages)
    places = consumed(tests[0].asked, arguments)
    words = [arguments.positionals[place][0].word for place in places]
    skip = naming.skip if naming is not None else 1
    return frozenset(
        at for at, word in enumerate(command.argv[skip:]) if any(word is one for one in words)
    )
