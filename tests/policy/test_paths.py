from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cash.policy.certainty import MAYBE, NO, YES
from cash.policy.glob import NAME, UNKNOWN, VISIBLE
from cash.policy.paths import Ground, compile_paths, locate, tidy
from cash.policy.pattern import PatternError

GROUND = Ground("/home/user/project", "/home/user", "alice", "agent/alice")


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("/etc/passwd", "/etc/passwd", YES),
        ("/etc/passwd", "/etc/../etc//passwd", YES),
        ("/etc/passwd", "/proc/self/root/etc/passwd", YES),
        ("/etc/passwd", "/proc/1/task/1/root//etc/passwd", YES),
        ("/etc/passwd", "../../../etc/passwd", YES),
        ("/etc/**", "/etc", YES),
        ("/etc/**", "/etc/a/b", YES),
        ("/etc/**", "/etcetera", NO),
        ("/etc/*", "/etc/a/b", NO),
        ("/etc/*", "/etc/a", YES),
        (".env", ".env", YES),
        (".env", "sub/.env", YES),
        (".env", "x.env", NO),
        ("*.pem", "a/b.pem", YES),
        ("*.pem", "a/b.pem/c", NO),
        (".git/hooks/**", ".git/hooks", YES),
        (".git/hooks/**", "sub/.git/hooks/pre-commit", YES),
        (".git/hooks/**", ".git/config", NO),
        ("$home/.ssh/**", "~", NO),
        ("~/.ssh/**", "/home/user/.ssh/id_rsa", YES),
        ("~", "/home/user", YES),
        ("$tree", ".", YES),
        ("$tree", "sub/..", YES),
        ("$tree", NAME, YES),
        ("$tree", "./" + NAME, YES),
        ("$tree", "src", NO),
        ("$cwd", ".", YES),
        ("a/$agent/*", "a/alice/x", YES),
        ("$root", "/", YES),
        ("$root", "//", YES),
        ("$root", "/" + NAME, YES),
        ("$root", "/e" + NAME, NO),
        ("$above", "..", YES),
        ("$above", "/home", YES),
        ("$above", "/home/" + NAME, YES),
        ("$above", ".", NO),
        ("$system", "/etc/x", YES),
        ("$system", "/e" + NAME, YES),
        ("$system", "/dev/null", NO),
        ("$system", "/dev/sda", YES),
        ("$system", "/var/tmp/x", NO),
        ("$outside", "../x", YES),
        ("$outside", "/tmp/x", NO),
        ("$outside", "src/x", NO),
        ("$inside", "src/x", YES),
        ("$inside", "../projects", NO),
        ("/etc/**", "/e" + NAME + "/passwd", YES),
        ("/etc/**", "/etc/" + UNKNOWN, MAYBE),
        ("/etc/**", "/usr/" + UNKNOWN, NO),
        ("/etc/**", UNKNOWN, MAYBE),
        (".env", "config/" + UNKNOWN, MAYBE),
        ("$root", UNKNOWN, MAYBE),
        ("$root", UNKNOWN + "/x", MAYBE),
        ("$system", UNKNOWN, MAYBE),
        ("$unknown", UNKNOWN + "/x", YES),
        (".git", "/tmp/" + VISIBLE, NO),
        (".git", "/tmp/." + NAME, YES),
        ("git", "/tmp/" + VISIBLE, YES),
        ("/tmp/a.b", "/tmp/" + VISIBLE + ".b", YES),
        ("/tmp/.b", "/tmp/" + VISIBLE + ".b", YES),
        (".git/**", ".git/" + VISIBLE, YES),
        ("$tree", VISIBLE, YES),
        ("$root", "/" + VISIBLE, YES),
        ("$unknown", "/a/" + UNKNOWN, NO),
    ],
)
def test_paths(pattern: str, text: str, expected: int) -> None:
    cwd = "/home/user/project"
    bound = compile_paths(pattern).bind(GROUND, cwd)
    assert bound.test(locate(text, cwd)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("src/x", NO),
        ("/srv/ci/x", NO),
        ("/srv/ci/" + NAME, NO),
        ("/srv/ci/" + UNKNOWN, NO),
        ("..", YES),
        ("/srv", YES),
        ("/srv/c" + NAME, YES),
        ("/srv/ci2/x", YES),
        ("/srv/ci/../x", YES),
        ("/srv/" + UNKNOWN, MAYBE),
        ("/var/lib/x", YES),
        ("/usr/x", YES),
    ],
)
def test_a_workspace_below_a_system_folder_is_no_system(text: str, expected: int) -> None:
    tree = "/srv/ci"
    bound = compile_paths("$system").bind(Ground(tree, "/usr/sbin"), tree)
    assert bound.test(locate(text, tree)) == expected
    home = compile_paths("$system").bind(Ground("/tmp/tree", tree), tree)
    assert home.test(locate(text, tree)) == expected


@pytest.mark.parametrize(
    ("home", "text"),
    [
        ("/run/systemd", "/run/systemd/system/x.service"),
        ("/var/lib", "/var/lib/dpkg/status"),
        ("/var/spool", "/var/spool/cron/crontabs/root"),
        ("/var/spool", "/var/spool/cron/" + NAME),
    ],
)
def test_a_home_around_the_machines_own_does_not_make_it_the_users(home: str, text: str) -> None:
    bound = compile_paths("$system").bind(Ground("/tmp/tree", home), "/tmp/tree")
    assert bound.test(locate(text, "/tmp/tree")) == YES


def test_several_alternatives() -> None:
    bound = compile_paths(["/a|/b/*", "*.x", "$root"]).bind(GROUND, None)
    texts = ("/a", "/b/c", "/d/e.x", "/", "/c")
    assert [bound.test(one) for one in texts] == [YES, YES, YES, YES, NO]


def test_an_unknown_directory_hides_relative_paths() -> None:
    bound = compile_paths("/etc/**").bind(GROUND, None)
    assert bound.test(locate("passwd", None)) == MAYBE
    assert bound.test(locate("/etc/passwd", None)) == YES


def test_a_regular_expression_is_no_path() -> None:
    with pytest.raises(PatternError, match="a glob, not a regular expression"):
        compile_paths("re:x")


@given(st.text("/.ab", min_size=1, max_size=12))
def test_tidy_settles_in_one_step(text: str) -> None:
    once = tidy("/" + text)
    assert tidy(once) == once
    assert once.startswith("/")
    assert "//" not in once
    assert "/../" not in once + "/"
