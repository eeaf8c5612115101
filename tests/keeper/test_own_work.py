"""What an errand of polisd's own may become, row by row."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from cash.keeper.ground import Ground
from cash.keeper.image import Image
from cash.keeper.own_work import OwnWork

_HELPER = os.fsencode(Path(__file__).parents[2] / "hooks/inside/git-remote-polis")
_STARTER, _GIT, _LFS = "/usr/bin/python3", "/usr/bin/git", "/usr/bin/git-lfs"


@pytest.fixture
def own_work(tmp_path: Path) -> Iterator[OwnWork]:
    """Where the agent may write is tmp_path."""
    ground = Ground(os.getpid())
    yield OwnWork(ground, (str(tmp_path),))
    ground.close()


def _image(file: str, *argv: bytes, name: bytes = b"", cwd: str = "/") -> Image:
    shown = name or file.encode()
    return Image(shown, argv, (), file, 1, 1, 1, 1, cwd, ())


_OWN = {
    "a shell": (_STARTER, _image("/usr/bin/dash", b"/bin/sh", b"-c", b"text")),
    "git by the shell": ("/usr/bin/dash", _image(_GIT, b"git", b"status")),
    "a tool by the shell": ("/usr/bin/dash", _image("/usr/bin/sed", b"sed", b"-z", b"p")),
    "git by git": (_GIT, _image("/usr/lib/git-core/git", b"git", b"pack-objects")),
    "git-lfs by git": (_GIT, _image(_LFS, b"git-lfs", b"filter-process")),
    "git-lfs by a line": (
        _GIT,
        _image("/usr/bin/dash", b"sh", b"-c", b"/usr/bin/git-lfs clean -- 'it'\\''s a.bin'"),
    ),
    "polis' helper by git": (_GIT, _image(_GIT, b"git", b"remote-polis", b"hub", b"hub")),
    "polis' helper itself": (
        _GIT,
        _image(
            "/usr/bin/perl",
            *(b"/usr/bin/perl", _HELPER, b"hub"),
            name=_HELPER,
        ),
    ),
    "polis' helper by git-lfs": (
        _LFS,
        _image("/usr/bin/dash", b"sh", b"-c", b"git-remote-polis --lfs"),
    ),
    "a question of git-lfs": (
        _LFS,
        _image(
            _GIT,
            *(b"git", b"-c", b"filter.lfs.smudge=", b"-c", b"filter.lfs.required=false"),
            *(b"rev-parse", b"--git-dir"),
        ),
    ),
    "its look at the settings": (
        _LFS,
        _image(_GIT, b"git", b"config", b"--includes", b"-l", b"--blob", b"HEAD:.lfsconfig"),
    ),
    "its own setting": (
        _LFS,
        _image(
            _GIT,
            *(b"git", b"config", b"--includes", b"--replace-all"),
            *(b"lfs.repositoryformatversion", b"0"),
        ),
    ),
    "a script of git's": (
        _GIT,
        _image("/usr/bin/dash", b"/bin/sh", b"/usr/bin/git", b"rev-list", name=b"/usr/bin/git"),
    ),
}


@pytest.mark.parametrize(("before", "image"), _OWN.values(), ids=_OWN)
def test_polis_own_work_goes_on(own_work: OwnWork, before: str, image: Image) -> None:
    assert own_work.holds(image, before)


_STRANGE = {
    "a tool by git": (_GIT, _image("/usr/bin/touch", b"touch", b"ran")),
    "a line by git": (_GIT, _image("/usr/bin/dash", b"sh", b"-c", b"touch ran")),
    "two lines by git": (
        _GIT,
        _image("/usr/bin/dash", b"sh", b"-c", b"/usr/bin/git-lfs clean -- 'a'\ntouch ran"),
    ),
    "a name that ends its quotes": (
        _GIT,
        _image("/usr/bin/dash", b"sh", b"-c", b"/usr/bin/git-lfs clean -- 'a';touch 'ran'"),
    ),
    "a shell's option": (_GIT, _image("/usr/bin/dash", b"sh", b"-ic", b"git-remote-polis --lfs")),
    "a program called by its text": (
        _GIT,
        _image("/usr/bin/perl", b"sh", b"-c", b"git-remote-polis --lfs"),
    ),
    "a remote of another kind": (_GIT, _image(_GIT, b"git", b"remote-ext", b"origin", b"git x")),
    "the same by its own name": (
        _GIT,
        _image("/usr/lib/git-core/git", b"/usr/lib/git-core/git-remote-ext", b"origin", b"git x"),
    ),
    "git with an extension's words": (_LFS, _image(_GIT, b"git", b"log", b"--output=x")),
    "a question with a setting": (_LFS, _image(_GIT, b"git", b"-c", b"a.b=c", b"rev-parse", b"x")),
    "a script of git's that evaluates settings": (
        _GIT,
        _image(
            "/usr/bin/dash",
            *(b"/bin/sh", b"/usr/lib/git-core/git-mergetool"),
            name=b"/usr/lib/git-core/git-mergetool",
        ),
    ),
    "another program of git's": (_GIT, _image("/usr/lib/git-core/git-daemon", b"git-daemon")),
    "a git that does not serve git": (_GIT, _image(_GIT, b"git", b"clean", b"-fdx")),
    "an alias by git": (_GIT, _image(_GIT, b"git", b"host", b"git-upload-pack '/x'")),
    "polis' helper with an extension's words": (
        _LFS,
        _image("/usr/bin/perl", b"/usr/bin/perl", _HELPER, b"hub", name=_HELPER),
    ),
    "a setting": (_LFS, _image(_GIT, b"git", b"config", b"core.hooksPath", b"x")),
    "a setting elsewhere": (
        _LFS,
        _image(
            _GIT, b"git", b"config", b"-f", b".git/hooks/x", b"lfs.repositoryformatversion", b"0"
        ),
    ),
    "a setting that lists": (_LFS, _image(_GIT, b"git", b"config", b"-l", b"core.hooksPath", b"x")),
    "a look at another file": (_LFS, _image(_GIT, b"git", b"config", b"-e", b"--global")),
    "git-lfs by git-lfs": (_LFS, _image(_LFS, b"git-lfs", b"checkout", b"--to", b"x")),
    "a line by git-lfs": (_LFS, _image("/usr/bin/dash", b"sh", b"-c", b"touch ran")),
    "a file without a name": (_STARTER, _image("/memfd:git", b"git")),
    "a removed file": (_STARTER, _image("/usr/bin/git (deleted)", b"git")),
    "a device": (_STARTER, _image("/dev/shm/git", b"git")),
    "a descriptor": (_GIT, _image("/usr/bin/dash", b"sh", b"/dev/fd/3", name=b"/dev/fd/3")),
}


@pytest.mark.parametrize(("before", "image"), _STRANGE.values(), ids=_STRANGE)
def test_what_git_may_have_been_told_to_start_does_not(
    own_work: OwnWork, before: str, image: Image
) -> None:
    assert not own_work.holds(image, before)


def test_a_git_that_is_given_its_own_path_is_no_script(own_work: OwnWork) -> None:
    """What stands behind that path is not what it does."""
    git = os.stat(_GIT)
    argv = (b"git", b"clean", b"-fdx", b"-e", _GIT.encode(), b"rev-list", b"src")
    image = Image(_GIT.encode(), argv, (), _GIT, git.st_dev, git.st_ino, 1, 1, "/", ())
    for before in (_GIT, _LFS):
        assert not own_work.holds(image, before)


def test_a_program_of_the_agent_s_is_none_of_polis(own_work: OwnWork, tmp_path: Path) -> None:
    for before in (_STARTER, "/usr/bin/dash", _GIT):
        assert not own_work.holds(_image(f"{tmp_path}/git", b"git"), before)
    # A folder that only begins like it is another.
    assert own_work.holds(_image(f"{tmp_path}-other/git", b"git"), "/usr/bin/dash")


def test_a_script_by_the_agent_s_link_is_the_agent_s(own_work: OwnWork, tmp_path: Path) -> None:
    """Where the link leads when the interpreter opens it, nobody knows now."""
    (tmp_path / "bin").symlink_to("/usr/bin")
    script = f"{tmp_path}/bin/git".encode()
    assert not own_work.holds(_image("/usr/bin/dash", b"sh", script, name=script), "/usr/bin/dash")
    here = _image("/usr/bin/dash", b"sh", b"bin/git", name=b"bin/git", cwd=str(tmp_path))
    assert not own_work.holds(here, "/usr/bin/dash")


def test_a_script_that_is_not_there_is_nobody_s(own_work: OwnWork) -> None:
    script = b"/usr/bin/no-such-git"
    assert not own_work.holds(_image("/usr/bin/dash", b"sh", script, name=script), "/usr/bin/dash")
