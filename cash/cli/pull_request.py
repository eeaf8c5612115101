"""Opening a pull request: with the user's own gh, or by GitHub's API with the user's own token.

It happens in the user's own process: the token is in its environment, and goes nowhere else.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from cash.cli.printing import one_line
from cash.faults import Fault, MachineFault, UsageFault
from cash.hub.forge import Forge

_SECONDS = 30.0
_MOST_BYTES = 4 << 20
_CONFIGURED = "polis config shows where github-api is"
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class Proposal:
    """A pull request to be: `branch` into `base`, both on the forge."""

    forge: Forge
    branch: str
    base: str
    title: str
    body: str
    draft: bool


@dataclass(frozen=True, slots=True)
class Opened:
    """existed: it was open already, and is left as it is."""

    url: str
    existed: bool


Opener = Callable[[Proposal], Opened]


def find_opener(forge: Forge, api: str, environment: Mapping[str, str]) -> tuple[str, Opener]:
    """How pull requests can be opened there: "gh" or "api", and by what. api: the user's own
    word on where the API is, "" for the usual place. Raises MachineFault when neither can."""
    token = _token(forge, environment, chosen=bool(api))
    if not api and _gh_is_logged_in(forge):
        return "gh", _open_with_gh
    if token:
        place = (api or _usual_api(forge)).rstrip("/")
        _check_place(place)
        return "api", lambda proposal: _open_by_api(proposal, place, token)
    name = "GH_TOKEN" if forge.host == "github.com" else "GH_ENTERPRISE_TOKEN"
    raise MachineFault(
        f"nothing can open a pull request on {forge.host}: gh is not logged in there, "
        f"and {name} is not set",
        hint=f"gh auth login --hostname {forge.host}, or export {name}=…",
    )


def _token(forge: Forge, environment: Mapping[str, str], *, chosen: bool) -> str:
    """A token for github.com is shown to no other host, unless the user has said where."""
    usual, enterprise = ("GH_TOKEN", "GITHUB_TOKEN"), ("GH_ENTERPRISE_TOKEN",)
    names = usual if forge.host in ("github.com", "github.localhost") else enterprise
    wanted = (*enterprise, *usual) if chosen else names
    return next((environment[name] for name in wanted if environment.get(name)), "")


def _usual_api(forge: Forge) -> str:
    if forge.host == "github.com":
        return "https://api.github.com"
    return f"https://{forge.host}/api/v3"


def _check_place(place: str) -> None:
    parts = urlsplit(place)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise UsageFault(
            f"github-api must begin with https://, not {place!r}",
            hint="polis config set github-api https://HOST/api/v3",
        )


# gh


def _gh_is_logged_in(forge: Forge) -> bool:
    if shutil.which("gh") is None:
        return False
    try:
        # Not `auth status`: it asks over the network, and knows no token of the environment's.
        return _gh("auth", "token", "--hostname", forge.host).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def _gh(*words: str) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    return subprocess.run(
        ["gh", *words],
        env={**kept, "GH_PROMPT_DISABLED": "1", "GH_NO_UPDATE_NOTIFIER": "1", "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=2 * _SECONDS,
        check=False,
    )


def _open_with_gh(proposal: Proposal) -> Opened:
    forge = proposal.forge
    where = ("--repo", f"{forge.host}/{forge.owner}/{forge.name}")
    looks = ("--state", "open", "--base", proposal.base, "--json", "url", "--limit", "1")
    listed = _gh("pr", "list", *where, "--head", proposal.branch, *looks)
    if listed.returncode == 0 and (found := json.loads(listed.stdout or "[]")):
        return Opened(_checked_url(found[0].get("url")), existed=True)
    words = ("--base", proposal.base, "--title", proposal.title, "--body", proposal.body)
    draft = ("--draft",) if proposal.draft else ()
    made = _gh("pr", "create", *where, "--head", proposal.branch, *words, *draft)
    if made.returncode:
        said = [line for line in made.stderr.splitlines() if line.strip()]
        raise Fault(
            f"gh opened no pull request: {one_line(said[-1] if said else 'no reason given')}",
            hint=f"the branch is pushed: {forge.compare_page(proposal.base, proposal.branch)}",
        )
    return Opened(_checked_url(made.stdout.strip().splitlines()[-1]), existed=False)


# The API


def _open_by_api(proposal: Proposal, api: str, token: str) -> Opened:
    forge = proposal.forge
    pulls = f"{api}/repos/{forge.owner}/{forge.name}/pulls"
    asked = {
        "head": f"{forge.owner}:{proposal.branch}",
        "base": proposal.base,
        "state": "open",
    }
    status, found = _call("GET", f"{pulls}?{urlencode(asked)}", token)
    _check(proposal, status, found)
    if isinstance(found, list) and found:
        return Opened(_checked_url(found[0].get("html_url")), existed=True)
    body = {
        "title": proposal.title,
        "body": proposal.body,
        "head": proposal.branch,
        "base": proposal.base,
        "draft": proposal.draft,
    }
    status, made = _call("POST", pulls, token, body)
    _check(proposal, status, made)
    return Opened(_checked_url(made.get("html_url")), existed=False)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirected request would carry the token to wherever it is told."""

    def redirect_request(self, *_arguments: Any) -> None:
        """None at all."""


def _call(method: str, url: str, token: str, body: object = None) -> tuple[int, Any]:
    """Status and JSON. Fault when nobody answers, or not in JSON."""
    request = urllib.request.Request(url, method=method)
    request.add_header("Authorization", f"Bearer {token}")
    request.add_header("Accept", "application/vnd.github+json")
    request.add_header("X-GitHub-Api-Version", "2022-11-28")
    request.add_header("User-Agent", "polis")
    if body is not None:
        request.data = json.dumps(body).encode()
        request.add_header("Content-Type", "application/json")
    host = urlsplit(url).netloc
    try:
        try:
            with urllib.request.build_opener(_NoRedirect).open(request, timeout=_SECONDS) as reply:
                return reply.status, json.loads(reply.read(_MOST_BYTES))
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, json.loads(refused.read(_MOST_BYTES) or b"{}")
    except ValueError as fault:
        raise Fault(f"{host} answers, but not as GitHub does", hint=_CONFIGURED) from fault
    except OSError as fault:
        reason = getattr(fault, "reason", None) or fault
        raise Fault(
            f"{host} does not answer: {reason}", hint="the branch is pushed; again"
        ) from fault


def _check(proposal: Proposal, status: int, answer: Any) -> None:
    """Fault for anything but success, with what the forge says."""
    if status in (200, 201):
        if isinstance(answer, (list, dict)):
            return
        raise Fault(f"{proposal.forge.host} answers, but not as GitHub does", hint=_CONFIGURED)
    forge = proposal.forge
    page = f"the branch is pushed: {forge.compare_page(proposal.base, proposal.branch)}"
    match status:
        case 401:
            raise Fault("the token is not accepted", hint="make a new one: gh auth login")
        case 403 | 404:
            raise Fault(
                f"the token may not open pull requests in {forge.owner}/{forge.name}", hint=page
            )
        case _:
            raise Fault(f"no pull request was opened: {_reason(status, answer)}", hint=page)


def _reason(status: int, answer: Any) -> str:
    if not isinstance(answer, dict):
        return f"status {status}"
    errors = answer.get("errors")
    said = [
        str(one.get("message") or one.get("field") or "") if isinstance(one, dict) else str(one)
        for one in (errors if isinstance(errors, list) else [])
    ]
    told = "; ".join(word for word in said if word) or str(answer.get("message") or "")
    return one_line(told)[:300] or f"status {status}"


def _checked_url(url: object) -> str:
    if not isinstance(url, str) or not url.startswith(("https://", "http://")):
        raise Fault("the pull request is open, but its address was not told")
    return one_line(url)
