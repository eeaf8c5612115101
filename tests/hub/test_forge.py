"""Where a remote's pull requests live, and which remote it is."""

from __future__ import annotations

import pytest
from ground import Ground

from cash.faults import UsageFault
from cash.hub.forge import Forge, choose_remote, default_base, read_address


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://github.com/ada/shop.git", Forge("github.com", "ada", "shop")),
        ("https://ada:secret@GitHub.com/ada/shop/", Forge("github.com", "ada", "shop")),
        ("git@github.com:ada/shop.git", Forge("github.com", "ada", "shop")),
        ("github.com:ada/shop", Forge("github.com", "ada", "shop")),
        (
            "ssh://git@git.example.org:2222/ada/my.shop.git",
            Forge("git.example.org", "ada", "my.shop"),
        ),
        ("/srv/git/shop.git", None),
        ("../shop.git", None),
        ("file:///srv/ada/shop.git", None),
        ("https://github.com/shop.git", None),
        ("https://github.com/a/b/c", None),
        ("https://github.com/ada/sh%20op", None),
        ("ext::sh -c true", None),
        ("", None),
    ],
)
def test_an_address_is_read(url: str, found: Forge | None) -> None:
    assert read_address(url) == found


def test_the_page_by_hand() -> None:
    page = Forge("github.com", "ada", "shop").compare_page("main", "agent/al ice")
    assert page == "https://github.com/ada/shop/compare/main...agent/al%20ice?expand=1"


def test_which_remote(ground: Ground) -> None:
    repository = ground.repository
    with pytest.raises(UsageFault, match="has no remote to push to"):
        choose_remote(repository, None)
    ground.git("remote", "add", "fork", "https://github.com/eve/shop")
    assert choose_remote(repository, None) == ("fork", "https://github.com/eve/shop")
    ground.git("remote", "add", "other", "https://github.com/bob/shop")
    with pytest.raises(UsageFault, match="several remotes: fork, other"):
        choose_remote(repository, None)
    ground.git("remote", "add", "origin", "https://github.com/ada/shop")
    assert choose_remote(repository, None)[0] == "origin"
    assert choose_remote(repository, "other")[0] == "other"
    with pytest.raises(UsageFault, match="no remote 'none'"):
        choose_remote(repository, "none")


def test_for_which_branch(ground: Ground) -> None:
    repository = ground.repository
    assert default_base(repository, "origin") == "main"
    ground.git("switch", "-q", "-c", "work")
    ground.git("update-ref", "refs/remotes/origin/work", "HEAD")
    assert default_base(repository, "origin") == "work"
    ground.git("update-ref", "refs/remotes/origin/trunk", "HEAD")
    ground.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/trunk")
    assert default_base(repository, "origin") == "trunk"
