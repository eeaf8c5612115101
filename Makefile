# make demo     set up, then a tour of polis on a small real repository, or on yours: REPO=…
# make test     set up, then linters and the whole test suite
# make setup    only the set-up: .venv, Debian packages, pnpm in .tools
# make agents   the agent CLIs that make test runs inside the walls, in .tools/agents (1.3 GB)
# make traces   records anew what those CLIs tell of themselves, in agents/traces
# make shell    the governed shell of an agent: REPO=… AGENT=… (adopts, adds, enters)
# make lint     ruff, mypy, import-linter
# make bench    polis beside bubblewrap, codex, srt and sandlock; writes docs/performance.md
# make picture  docs/shell.svg from a real run
# make clean    everything that make has made here

SHELL := /bin/sh
MAKEFLAGS += --no-print-directory
bin := .venv/bin
tools := $(CURDIR)/.tools/node_modules/.bin
agents_bin := $(CURDIR)/.tools/agents/node_modules/.bin
REPO ?=
AGENT ?= alice

pnpm := pnpm@10.34.9
# 0.0.78 is the last sandbox-runtime that runs on Node 20.
peers := @anthropic-ai/sandbox-runtime@0.0.78
sandlock := sandlock==0.9.0
agents := @anthropic-ai/claude-code@2.1.197 @openai/codex@0.169.0 @google/gemini-cli@0.61.0 \
	opencode-ai@1.18.33 @github/copilot@1.0.102

.PHONY: setup agents traces demo test lint bench shell picture clean machine test-machine bench-machine

setup: machine .venv/.ready .tools/pnpm

machine:
	@.ci/setup machine

test-machine:
	@.ci/setup machine test

bench-machine:
	@.ci/setup machine "test bench"

.venv/.ready: pyproject.toml .ci/setup | machine
	@.ci/setup python

.tools/pnpm: .ci/setup | machine
	@.ci/setup node .tools $(pnpm)
	@touch $@

.tools/peers: .ci/setup .tools/pnpm
	@.ci/setup node .tools $(peers)
	@touch $@

# A venv of its own: a peer is no dependency of polis.
.tools/sandlock/ready: .ci/setup | machine
	@.ci/setup apart .tools/sandlock $(sandlock)
	@touch $@

# Only where it was asked for: make test needs them, too, and says nothing.
agents: .tools/agents/ready
	@$(if $(filter agents,$(MAKECMDGOALS)),.ci/setup path_of_agents)

# Below the checkout: Codex will not live in a folder for temporary files.
traces: setup agents
	@PATH="$(agents_bin):$$PATH" $(bin)/python -m cash.conformance $(CURDIR)/.tools/cache/traces

# A folder of their own: on the PATH of .tools, every test's walls would show them.
.tools/agents/ready: .ci/setup | machine
	@.ci/setup agents $(agents)
	@touch $@

demo: setup
	@PATH="$(tools):$$PATH" $(bin)/polis tour $(if $(REPO),--repository "$(REPO)")

# The user's own polis, as typed by hand.
shell: setup
	@cd "$(or $(REPO),.)" && PATH="$(CURDIR)/$(bin):$(tools):$$PATH" && polis init && \
	{ polis agents path $(AGENT) >/dev/null 2>&1 || polis agents add $(AGENT); } && \
	exec polis shell $(AGENT)

test: test-machine setup agents lint
	@PATH="$(tools):$$PATH" $(bin)/pytest -q --numprocesses auto --dist loadfile --no-loadscope-reorder

lint: setup
	@bad=0; \
	$(bin)/ruff check --quiet . || bad=1; \
	$(bin)/ruff format --quiet --check . || bad=1; \
	$(bin)/mypy --no-error-summary || bad=1; \
	$(bin)/lint-imports --no-logo >.venv/imports.log 2>&1 || { cat .venv/imports.log; bad=1; }; \
	exit $$bad

bench: bench-machine setup agents .tools/peers .tools/sandlock/ready
	@PATH="$(tools):$(agents_bin):$$PATH" $(bin)/python -m bench

picture: setup
	@PATH="$(CURDIR)/$(bin):$(tools):$$PATH" $(bin)/python -m cash.shell.picture

clean:
	@rm -rf .venv .tools .demo .bench dist build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
