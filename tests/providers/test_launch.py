"""From a manifest to what is started, as whole values."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cash.providers.facets import Capability, Settled, Start, Words
from cash.providers.launch import Launch, plan_launch
from cash.providers.manifest import Manifest, ProviderFault, load_manifests

_MANIFEST = Manifest(
    name="toy",
    description="A toy",
    tool_timeout=10,
    memory=1,
    hosts=(),
    capabilities={
        "resume": Capability(help="--resume", note="a conversation cannot be taken up"),
        "ids": Capability(help="--id", note="ids cannot be chosen"),
    },
    always=(Words(("--always",)),),
    starts={
        "interactive": Start((Words(("--id", "{session}"), needs="ids"),)),
        "prompt": Start((Words(("--", "{prompt}")),)),
        "headless": Start((Words(("run",)),), input=True, output="toy-json"),
        "resumed": Start(
            (
                Words(("--resume", "{resume}"), needs="resume"),
                Words(("--continue",), needs="resume", unless="resume"),
            )
        ),
    },
    model=(Words(("-m", "{model}")),),
    environment=(("TREE", "{tree}"),),
    settled=(
        Settled("a.json", {"{tree}": {"trusted": True, "from": ["{home}"]}}),
        Settled("b", "{home}\n", account="key"),
    ),
)


def _plan(purpose: str, manifest: Manifest = _MANIFEST, **how: Any) -> Launch:
    words = {"program": "/bin/toy", "version": "1.2", "tree": "/t", "home": "/h", **how}
    return plan_launch(manifest, purpose=purpose, **words)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("purpose", "how", "argv"),
    [
        ("interactive", {}, ["--always"]),
        ("interactive", {"session": "s1"}, ["--id", "s1", "--always"]),
        ("interactive", {"model": "m"}, ["--always", "-m", "m"]),
        ("prompt", {"prompt": "--help me", "model": "m"}, "--always -m m -- --help me"),
        ("prompt", {"prompt": "{tree} {x} {"}, ["--always", "--", "{tree} {x} {"]),
        ("headless", {"prompt": "hi"}, ["run", "--always"]),
        ("resumed", {"resume": "c1"}, ["--resume", "c1", "--always"]),
        ("resumed", {}, ["--continue", "--always"]),
    ],
)
def test_argv(purpose: str, how: dict[str, str], argv: list[str] | str) -> None:
    wanted = [*argv.split(" ")[:-2], "--help me"] if isinstance(argv, str) else argv
    assert _plan(purpose, **how).argv == ("/bin/toy", *wanted)


def test_everything_of_one_start() -> None:
    planned = _plan("headless", prompt="line one\nline 'two' \x07 ü")
    assert planned == Launch(
        argv=("/bin/toy", "run", "--always"),
        environment=(("TREE", "/t"),),
        files=(("a.json", planned.files[0][1]),),
        given="line one\nline 'two' \x07 ü".encode(),
        output="toy-json",
    )
    assert json.loads(planned.files[0][1]) == {"/t": {"trusted": True, "from": ["/h"]}}


def test_a_file_of_one_sort_of_account_is_for_that_alone() -> None:
    assert [path for path, _ in _plan("interactive").files] == ["a.json"]
    assert _plan("interactive", account="key").files[1] == ("b", b"/h\n")


def test_a_missing_capability_degrades_with_a_line() -> None:
    planned = _plan("resumed", resume="c1", lacking=("resume",))
    assert planned.argv == ("/bin/toy", "--always")
    assert planned.notes == ("toy cannot take up a conversation: a new one begins",)
    planned = _plan("interactive", session="s1", lacking=("ids",))
    assert (planned.argv, planned.notes) == (
        ("/bin/toy", "--always"),
        ("toy 1.2: ids cannot be chosen",),
    )


def test_a_prompt_is_given_though_something_else_is_missing() -> None:
    planned = _plan("prompt", load_manifests()["claude"], prompt="go", lacking=("session-id",))
    assert (planned.argv[-2:], planned.typed) == (("--", "go"), "")


def test_a_prompt_too_long_for_an_argv_is_to_be_typed() -> None:
    prompt = "x" * 131_071
    assert _plan("prompt", prompt=prompt).argv[-1] == prompt
    planned = _plan("prompt", prompt=prompt + "x")
    assert (planned.argv, planned.typed) == (("/bin/toy", "--always"), prompt + "x")
    assert _plan("headless", prompt="x" * 1_000_000).given == b"x" * 1_000_000


def test_a_prompt_is_never_lost() -> None:
    shell = load_manifests()["shell"]
    with pytest.raises(ProviderFault, match="takes no prompt"):
        _plan("prompt", shell, prompt="rm -rf /")
    kiro = load_manifests()["kiro"]
    with pytest.raises(ProviderFault, match="takes a prompt of at most 131071 bytes"):
        _plan("headless", kiro, prompt="x" * 131_072)
    aider = load_manifests()["aider"]
    assert _plan("prompt", aider, prompt="do it").typed == "do it"


def test_a_model_that_cannot_be_chosen_is_noted() -> None:
    planned = _plan("interactive", load_manifests()["antigravity"], model="x")
    assert planned.notes == ("antigravity has no way to choose a model: x is left out",)


def test_hooks_are_named_where_the_program_can_have_them_and_they_are_wanted() -> None:
    claude = load_manifests()["claude"]
    assert _plan("interactive", claude).hooks == "claude"
    assert _plan("interactive", claude, hooked=False).hooks == ""
    planned = _plan("interactive", claude, lacking=("hooks",))
    assert (planned.hooks, planned.notes) == ("", ("claude 1.2: its hooks are not installed",))


def test_a_task_for_a_conversation_is_not_given_to_one_that_knows_nothing_of_it() -> None:
    claude = load_manifests()["claude"]
    planned = _plan("resumed-headless", claude, prompt="go", resume="c1", lacking=("stream",))
    assert planned.argv == ("/bin/toy", "--print", "--resume", "c1", *claude.always[0].words)
    assert planned.given == b"go"
    assert "--continue" in _plan("resumed-headless", claude, prompt="go").argv
    for manifest, lacking in ((load_manifests()["aider"], ()), (claude, ("resume",))):
        with pytest.raises(ProviderFault, match="cannot take up a conversation without"):
            _plan("resumed-headless", manifest, prompt="go", lacking=lacking)


@pytest.mark.parametrize("name", load_manifests())
@pytest.mark.parametrize("purpose", ["interactive", "headless", "resumed"])
def test_each_shipped_one_can_be_planned(name: str, purpose: str) -> None:
    planned = _plan(purpose, load_manifests()[name], prompt="do it")
    assert planned.argv[0] == "/bin/toy"
    assert not any("{" in word.replace("={", "") for word in planned.argv)
    said = "do it" in planned.argv[-1] or planned.given == b"do it"
    assert said is (purpose == "headless")


def test_codex_is_told_of_its_tree_as_toml() -> None:
    planned = _plan("interactive", load_manifests()["codex"], tree="/a.b/c d")
    assert 'projects={"/a.b/c d"={trust_level="trusted"}}' in planned.argv
