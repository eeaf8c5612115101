"""npm, npx and yarn in pnpm's words."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cash.policy.context import Facts
from cash.policy.rewriters import REWRITERS
from cash.policy.rewriters.npm_grammar import command_of
from cash.policy.rewriters.result import Rewritten, Unchanged, Unclear, literal_word
from cash.policy.verdict import Decision
from cash.syntax.command import Expansion, Word

PNPM = Facts(
    lockfiles=frozenset({"pnpm-lock.yaml"}), programs=frozenset({"npm", "npx", "yarn", "pnpm"})
)
NPM_ONLY = Facts(lockfiles=frozenset({"package-lock.json"}), programs=PNPM.programs)


def rewrite(line: str, facts: Facts = PNPM) -> Rewritten | Unchanged | Unclear:
    return REWRITERS["pnpm"](tuple(literal_word(word) for word in shlex.split(line)), facts)


def said(line: str, facts: Facts = PNPM) -> str:
    answer = rewrite(line, facts)
    assert isinstance(answer, Rewritten), answer
    made = [words for words in (answer.before, answer.argv) if words]
    return " && ".join(shlex.join(word.text for word in words) for words in made)


REWRITTEN = {
    # verbs, aliases, unique beginnings, camel case
    "npm i": "pnpm install",
    "npm isntall x": "pnpm add x",
    "npm inst x": "pnpm add x",
    "npm unin x": "pnpm remove x",
    "npm installTest": "pnpm install-test",
    "npm ci": "pnpm install --frozen-lockfile",
    "npm clean-install": "pnpm install --frozen-lockfile",
    "npm rm x": "pnpm remove x",
    "npm up": "pnpm update --no-save",
    "npm update x --save": "pnpm update x",
    "npm ls -a --json": "pnpm list --depth=Infinity --json",
    "npm ll": "pnpm list --long",
    "npm why x": "pnpm why x",
    "npm outdated": "pnpm outdated",
    "npm audit --omit=dev --audit-level=high": "pnpm audit --prod --audit-level=high",
    "npm dedupe": "pnpm dedupe",
    "npm rebuild": "pnpm rebuild",
    "npm prune --production": "pnpm prune --prod",
    "npm publish --access public": "pnpm publish --no-git-checks --access=public",
    "npm link ../x": "pnpm link ../x",
    "npm install .": "pnpm install",
    # flags: spellings, bundles, values, negations, order
    "npm i -D vite": "pnpm add -D vite",
    "npm i vite -D": "pnpm add vite -D",
    "npm i -DE vite": "pnpm add -D -E vite",
    "npm i --save-dev=true vite": "pnpm add --save-dev vite",
    "npm i --save-d vite": "pnpm add --save-dev vite",
    "npm i -O -P --save-peer x": "pnpm add -O --save-prod --save-peer x",
    "npm i -S x": "pnpm add x",
    "npm i -g x": "pnpm add -g x",
    "npm i --location=global x": "pnpm add --global x",
    "npm i --prefix web x": "pnpm --dir=web add x",
    "npm --prefix=web i x": "pnpm --dir=web add x",
    "npm -C web ci": "pnpm --dir=web install --frozen-lockfile",
    "npm i x -w web": "pnpm --filter=web add x",
    "npm i x --workspace=packages/a": "pnpm --filter=./packages/a add x",
    "npm i x -w @s/a": "pnpm --filter=@s/a add x",
    "npm i -ws": "pnpm --recursive install",
    "npm ci --omit dev --ignore-scripts": "pnpm install --frozen-lockfile --prod --ignore-scripts",
    "npm i --production=false": "pnpm install --prod=false",
    "npm i --no-optional": "pnpm install --no-optional",
    "npm i x --legacy-peer-deps": "pnpm add x --config.strict-peer-dependencies=false",
    "npm i --loglevel error --no-audit --no-fund": "pnpm install --loglevel=error",
    "npm i -s": "pnpm install --loglevel=silent",
    "npm i --frozen-lockfile": "pnpm install --frozen-lockfile",
    "npm i --package-lock-only": "pnpm install --lockfile-only",
    "npm i -- x": "pnpm add x",
    # npm takes no notice of -D without packages; pnpm would install the devDependencies alone
    "npm i -D": "pnpm install",
    # npm removes from wherever it stands
    "npm rm -D x": "pnpm remove x",
    # starters and programs
    "npm init -y": "pnpm init",
    "npm create vite@5 app -- --template react": "pnpm create vite@5 app --template react",
    "npm exec -- eslint --fix .": "pnpm dlx eslint --fix .",
    "npm x -c 'eslint .'": "pnpm -c exec 'eslint .'",
    "npm exec --package=typescript -- tsc": "pnpm dlx --package=typescript tsc",
    "npx cowsay hi": "pnpm dlx cowsay hi",
    "npx --yes cowsay@1 -- hi": "pnpm dlx cowsay@1 -- hi",
    "npx -p a --package=b tsc -p .": "pnpm dlx --package=a --package=b tsc -p .",
    "npx -p a -c 'x | y'": "pnpm -c dlx --package=a 'x | y'",
    "npx --no-install eslint .": "pnpm exec eslint .",
    "npx --no eslint .": "pnpm exec eslint .",
    # yarn, classic and berry
    "yarn": "pnpm install",
    "yarn --frozen-lockfile": "pnpm install --frozen-lockfile",
    "yarn install --immutable": "pnpm install --frozen-lockfile",
    "yarn add -D vite": "pnpm add --save-dev vite",
    "yarn add -P react": "pnpm add --save-peer react",
    "yarn add -E -T x": "pnpm add --save-exact '--save-prefix=~' x",
    "yarn add -W x": "pnpm --workspace-root add x",
    "yarn add create": "pnpm add create",
    "yarn --cwd web remove x": "pnpm --dir=web remove x",
    "yarn upgrade x": "pnpm update --no-save x",
    "yarn upgrade --latest x": "pnpm update --latest x",
    "yarn up x": "pnpm update --latest x",
    "yarn global add x": "pnpm add --global x",
    "yarn dlx -p a tsc -v": "pnpm dlx --package=a tsc -v",
    "yarn create vite app --template x": "pnpm create vite app --template x",
    "yarn workspace web add x": "pnpm --filter=web add x",
    "yarn npm audit": "pnpm audit",
    "yarn audit --level high": "pnpm audit --audit-level=high",
}


@pytest.mark.parametrize(("line", "expected"), REWRITTEN.items())
def test_becomes_pnpm(line: str, expected: str) -> None:
    assert said(line) == expected


@pytest.mark.parametrize(
    "line",
    [
        *("npm", "npm --version", "npm install --help", "npm help install", "npm run build"),
        *("npm test -- --watch", "npm t", "npm start", "npm view vite", "npm config set a b"),
        *("npm whoami", "npm pack lodash", "npm version patch", "npm i -g pnpm", "npm i -g npm@11"),
        *("npm nonsense", "npx", "npx --version", "npx -h", "yarn build", "yarn run x --flag"),
        *("yarn test", "yarn -v", "yarn workspace web build", "yarn config get x", "yarn exec x"),
        *("yarn workspaces run build", "pnpm install", "ls"),
    ],
)
def test_passes_unchanged(line: str) -> None:
    assert rewrite(line) == Unchanged()


@pytest.mark.parametrize(
    "line",
    [
        *("npm i --no-save x", "npm i x --tag next", "npm i --dry-run", "npm i --unheard-of x"),
        *("npm audit fix", "npm shrinkwrap", "npm cit", "npm link x", "npm i -g", "npm unlink"),
        *(
            "npm create vite app --template x",
            "npm exec eslint --fix .",
            "npx ./folder",
            "npx -w a b",
        ),
        *("npm i x --omit=dev", "npm i --install-strategy=nested", "yarn install --flat"),
        *("yarn link x", "yarn install --pure-lockfile", "yarn workspaces focus", "yarn install x"),
    ],
)
def test_asks_where_pnpm_has_no_equivalent(line: str) -> None:
    answer = rewrite(line)
    assert isinstance(answer, Unclear)
    assert answer.decision is Decision.ASK
    assert answer.hint


def dynamic(before: str, name: str) -> Word:
    expansion = Expansion("parameter", f"${name}", name)
    parts = (before, expansion) if before else (expansion,)
    return Word(parts=parts, source=f"{before}${name}")


def test_a_word_that_may_become_an_option_is_asked_about() -> None:
    argv = (literal_word("npm"), literal_word("i"), dynamic("", "PACKAGES"))
    assert isinstance(REWRITERS["pnpm"](argv, PNPM), Unclear)


def test_a_value_known_only_later_keeps_its_source() -> None:
    argv = (literal_word("npm"), literal_word("i"), dynamic("--prefix=", "DIR"), dynamic("x@", "V"))
    answer = REWRITERS["pnpm"](argv, PNPM)
    assert isinstance(answer, Rewritten)
    assert [word.source for word in answer.argv] == ["pnpm", "--dir=$DIR", "add", "x@$V"]


def test_a_verb_known_only_later_is_asked_about() -> None:
    argv = (literal_word("npm"), dynamic("in", "REST"))
    assert isinstance(REWRITERS["pnpm"](argv, PNPM), Unclear)


def test_an_installed_program_is_run_from_the_project() -> None:
    facts = Facts(PNPM.lockfiles, PNPM.programs, binaries=frozenset({"tsc"}))
    assert said("npx tsc --noEmit", facts) == "pnpm exec tsc --noEmit"
    assert said("npx tsc@5 --noEmit", facts) == "pnpm dlx tsc@5 --noEmit"
    assert said("npx -p typescript tsc", facts) == "pnpm dlx --package=typescript tsc"


def test_a_repository_locked_by_npm_is_asked_once() -> None:
    answer = rewrite("npm install", NPM_ONLY)
    assert isinstance(answer, Unclear)
    assert "package-lock.json" in answer.reason
    assert "keep npm" in answer.reason
    assert answer.hint == "pnpm import"
    assert rewrite("npm ls", NPM_ONLY) == Unchanged()
    kept = Facts(NPM_ONLY.lockfiles, NPM_ONLY.programs, adopted="npm")
    assert rewrite("npm install", kept) == Unchanged()
    assert rewrite("npx cowsay", kept) == Unchanged()
    adopted = Facts(NPM_ONLY.lockfiles, NPM_ONLY.programs, adopted="pnpm")
    assert said("npm install", adopted) == "pnpm import && pnpm install"


@pytest.mark.parametrize(
    ("line", "folder", "lock", "made"),
    [
        ("npm ci", ".", "package-lock.json", "pnpm import && pnpm install --frozen-lockfile"),
        ("npm i x", "../..", "npm-shrinkwrap.json", "pnpm --dir=../.. import && pnpm add x"),
        ("yarn add x", ".", "yarn.lock", "pnpm import && pnpm add x"),
        # pnpm cannot read bun's; the folder is not known; another folder is meant; nothing changes
        ("npm i x", ".", "bun.lock", "pnpm add x"),
        ("npm i x", "", "package-lock.json", "pnpm add x"),
        ("npm --prefix web i x", ".", "package-lock.json", "pnpm --dir=web add x"),
        ("npx cowsay", ".", "package-lock.json", "pnpm dlx cowsay"),
    ],
)
def test_adopting_takes_the_locked_versions_over_first(
    line: str, folder: str, lock: str, made: str
) -> None:
    facts = Facts(frozenset({lock}), PNPM.programs, adopted="pnpm", lock_folder=folder)
    assert said(line, facts) == made


def test_until_the_versions_are_taken_over_npm_reads_its_own_lock_file() -> None:
    facts = Facts(NPM_ONLY.lockfiles, NPM_ONLY.programs, adopted="pnpm")
    assert rewrite("npm ls", facts) == Unchanged()


def test_the_question_offers_both_answers() -> None:
    answer = rewrite("npm install left-pad", NPM_ONLY)
    assert isinstance(answer, Unclear)
    assert [(one.word, one.key, one.setting) for one in answer.choices] == [
        ("pnpm", "p", "installer"),
        ("npm", "k", "installer"),
    ]


def test_both_lockfiles_mean_pnpm() -> None:
    both = Facts(PNPM.lockfiles | NPM_ONLY.lockfiles, PNPM.programs)
    assert said("npm ci", both) == "pnpm install --frozen-lockfile"


def test_without_pnpm_the_refusal_names_a_command_that_is_allowed() -> None:
    bare = Facts(PNPM.lockfiles, frozenset({"npm"}))
    answer = rewrite("npm install", bare)
    assert isinstance(answer, Unclear)
    assert answer.decision is Decision.DENY
    assert answer.hint is not None
    assert rewrite(answer.hint, bare) == Unchanged()


@pytest.mark.parametrize(
    ("verb", "command"),
    [("i", "install"), ("urn", "run"), ("exp", "exp"), ("outd", "outdated"), ("x", "exec")],
)
def test_verbs_are_read_as_npm_reads_them(verb: str, command: str) -> None:
    assert command_of(verb) == command


WORDS = """
    npm npx yarn i install add ci exec run x -D -DE -g --prefix --prefix=w -w -- --no-save -c
    --omit=dev --package . ./x @a/b x@1 --template= - --=x -= --no- -y true false workspace
    global create
""".split()  # noqa: SIM905


@given(st.lists(st.sampled_from(WORDS), max_size=7))
def test_nothing_raises_and_an_answer_is_pnpms(words: list[str]) -> None:
    argv = tuple(literal_word(word) for word in words)
    answer = REWRITERS["pnpm"](argv, PNPM)
    if isinstance(answer, Rewritten):
        assert answer.argv[0].text == "pnpm"
        assert REWRITERS["pnpm"](answer.argv, PNPM) == Unchanged()
