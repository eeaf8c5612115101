"""Git, which starts what its configuration names."""

from __future__ import annotations

from route import Content, Forbidden, Route, Script

# A repository with a commit and a changed file; 9 and 8 are the command's own stdout and stderr.
_START = """\
exec 9>&1 8>&2
export GIT_AUTHOR_NAME=Ada GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=Ada GIT_COMMITTER_EMAIL=a@b
git init -q repository && cd repository && echo one >file && git add file && git commit -qm one
echo two >file
"""


def list_routes(forbidden: Forbidden) -> dict[str, Route]:
    """The routes of this family."""
    return {
        **_called(forbidden),
        **_hooks(forbidden),
        **_configured(forbidden),
        **_contents(forbidden),
        **_far(forbidden),
    }


def _git(line: str, **files: Content) -> Route:
    return Route(("sh", "-c", _START + line), files, ("git",))


def _called(forbidden: Forbidden) -> dict[str, Route]:
    """What a git command is told to run."""
    line = forbidden.line
    return {
        "git alias !": _git(f"git -c alias.x='!{line}' x"),
        "git alias, a shell in it": _git(f"git -c alias.x='!sh -c \"{line}\"' x"),
        "git rebase --exec": _git(f"git stash -q; git rebase -q --root --exec '{line}'"),
        "git bisect run": _git(
            "git commit -qam two; git commit -qm three --allow-empty\n"
            f"git bisect start HEAD HEAD~2 >&2; git bisect run sh -c '{line}; :'"
        ),
        "git submodule foreach": _git(
            "git -c protocol.file.allow=always submodule --quiet add ./. sub\n"
            f"git submodule --quiet foreach '{line}'"
        ),
        "git filter-branch": _git(
            "git stash -q; export FILTER_BRANCH_SQUELCH_WARNING=1\n"
            f"git filter-branch -f --msg-filter '{line} >&9; cat' HEAD >&2"
        ),
        "git difftool -x": _git(f"git difftool -yx '{line}'"),
    }


def _hooks(forbidden: Forbidden) -> dict[str, Route]:
    hook = Script(f"#!/bin/sh\n{forbidden.line} >&9\n")
    hooks = "git -c core.hooksPath=../hooks"
    return {
        "git pre-commit hook": Route(
            ("sh", "-c", f"{_START}{hooks} commit -qam two"), {"hooks/pre-commit": hook}, ("git",)
        ),
        "git post-commit hook": Route(
            ("sh", "-c", f"{_START}{hooks} commit -qam two"), {"hooks/post-commit": hook}, ("git",)
        ),
        "git hook in .git": Route(
            ("sh", "-c", f"{_START}cp ../hook .git/hooks/post-checkout; git checkout -q -b other"),
            {"hook": hook},
            ("git",),
        ),
    }


def _configured(forbidden: Forbidden) -> dict[str, Route]:
    """Helpers for people, and configuration in other places than the line."""
    line = forbidden.line
    return {
        "git core.editor": _git(f"git -c core.editor='{line}' commit -qa"),
        "GIT_EDITOR": _git(f"GIT_EDITOR='{line}' git commit -qa"),
        "git sequence.editor": _git(
            f"git stash -q; git -c sequence.editor='{line} >&9;:' rebase -qi --root"
        ),
        "git core.pager": Route(
            ("sh", "-c", f"{_START}script -qec 'git -p -c core.pager=\"{line}\" log' /dev/null"),
            needs=("git", "script"),
            heard=False,
        ),
        "git core.fsmonitor": _git(f"git -c core.fsmonitor='{line} >&9;:' update-index --refresh"),
        "git gpg.program": _git(
            "git -c gpg.program=../gpg commit -qaS --no-edit -m two",
            gpg=Script(f"#!/bin/sh\n{line} >&9 2>&8\n"),
        ),
        "git credential.helper": _git(
            f"echo url=https://x | git -c credential.helper='!{line} >&9;:' credential fill"
        ),
        "git config file": _git(f"git config alias.x '!{line}'; git x"),
        "GIT_CONFIG_COUNT": _git(
            f"GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=alias.x GIT_CONFIG_VALUE_0='!{line}' git x"
        ),
    }


def _contents(forbidden: Forbidden) -> dict[str, Route]:
    """Helpers that what is in files goes through."""
    line = forbidden.line
    return {
        "git filter.clean": _git(
            f"echo '* filter=x' >.gitattributes\ngit -c filter.x.clean='{line} >&9; cat' add file"
        ),
        "git filter.smudge": _git(
            "echo '* filter=x' >.gitattributes\n"
            f"git -c filter.x.smudge='{line} >&9; cat' checkout -q file"
        ),
        "git diff.external": _git(f"git -c diff.external='{line};:' diff"),
        "git textconv": _git(
            "echo '* diff=x' >.gitattributes; rm file\n"
            f"git -c diff.x.textconv='{line} >&9;:' show HEAD:file --textconv"
        ),
        "git merge driver": _git(
            "git commit -qam two; git checkout -q -b other HEAD~; echo three >file\n"
            "git commit -qam three; echo '* merge=x' >.gitattributes\n"
            f"git -c merge.x.driver='{line} >&9;:' merge -q @{{-1}}"
        ),
    }


def _far(forbidden: Forbidden) -> dict[str, Route]:
    """Helpers that reach another repository. Another variant of ssh is asked what it is first."""
    line = forbidden.line
    return {
        "git core.sshCommand": _git(
            f"git -c ssh.variant=simple -c core.sshCommand='{line} >&9;:' ls-remote ssh://x/y"
        ),
        "GIT_SSH_COMMAND": _git(
            f"GIT_SSH_VARIANT=simple GIT_SSH_COMMAND='{line} >&9;:' git ls-remote ssh://x/y"
        ),
        "git ext::": _git(
            "git -c protocol.ext.allow=always ls-remote"
            f" 'ext::sh -c {line.replace(' ', '% ')}% >&9'"
        ),
        "git --upload-pack": _git(f"git ls-remote --upload-pack='{line} >&9;:' ."),
    }
