"""Secrets that can be told by their looks alone, wherever they stand.

The table covers what detect-secrets' plugins know of this sort (a test compares them); they are
not imported, as they would cost polisd 20 MB and 0.1 s for what is a table of patterns.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shape:
    """hints: texts, lower case, one of which every match contains; tried first, as they are a
    hundred times cheaper than the pattern."""

    kind: str
    hints: tuple[str, ...]
    pattern: re.Pattern[str]


def _shape(kind: str, hints: str, pattern: str) -> Shape:
    # Never in the middle of a longer run: that keeps checksums whole, and the search linear, as
    # there is one place in a run to start at.
    return Shape(kind, tuple(hints.split()), re.compile(rf"(?<![A-Za-z0-9])(?:{pattern})"))


SHAPES: tuple[Shape, ...] = (
    _shape(
        "aws-key", "akia asia abia acca a3t", r"(?:A3T[A-Z0-9]|ABIA|ACCA|AKIA|ASIA)[0-9A-Z]{16}"
    ),
    _shape("github-token", "ghp_ gho_ ghu_ ghs_ ghr_", r"gh[pousr]_[A-Za-z0-9_]{30,}"),
    _shape("github-token", "github_pat_", r"github_pat_[A-Za-z0-9_]{20,}"),
    _shape(
        "gitlab-token",
        "glpat- gldt- glft- glsoat- glrt- glcbt- glimt- glptt- glagent- gloas- glffct-",
        r"gl(?:pat|dt|ft|soat|rt|cbt|imt|ptt|agent|oas|ffct)-[A-Za-z0-9_.-]{20,}",
    ),
    _shape("gitlab-token", "gr1348941", r"GR1348941[A-Za-z0-9_-]{20,}"),
    _shape("slack-token", "xox", r"xox[a-z](?:\.[a-z])?-[A-Za-z0-9-]{8,}"),
    _shape("slack-token", "xapp-", r"xapp-\d-[A-Za-z0-9-]{8,}"),
    _shape(
        "slack-webhook",
        "hooks.slack.com",
        r"(?<=hooks\.slack\.com/)(?:services|workflows|triggers)/[A-Za-z0-9_/-]{20,}",
    ),
    _shape("discord-webhook", "/api/webhooks/", r"(?<=/api/webhooks/)\d{15,}/[A-Za-z0-9_-]{40,}"),
    _shape("discord-token", ".", r"[MNO][A-Za-z\d_-]{23,25}\.[A-Za-z\d_-]{6}\.[A-Za-z\d_-]{27,}"),
    _shape("stripe-key", "k_live_ k_test_", r"[rsp]k_(?:live|test)_[0-9A-Za-z]{16,}"),
    _shape("stripe-key", "whsec_", r"whsec_[A-Za-z0-9+/=]{24,}"),
    _shape("anthropic-key", "sk-ant-", r"sk-ant-[A-Za-z0-9_-]{16,}"),
    # Runs of letters with dashes are names (sk-learn-contrib-…); a key has digits in them.
    _shape("openai-key", "sk-", r"sk-(?=[A-Za-z_-]{0,100}[0-9])[A-Za-z0-9_-]{20,}"),
    _shape("npm-token", "npm_", r"npm_[A-Za-z0-9]{36,}"),
    _shape("pypi-token", "pypi-age", r"pypi-AgE[A-Za-z0-9_-]{40,}"),
    _shape("google-key", "aiza", r"AIza[0-9A-Za-z_-]{35}"),
    _shape("google-token", "ya29.", r"ya29\.[0-9A-Za-z_-]{20,}"),
    _shape("google-token", "gocspx-", r"GOCSPX-[0-9A-Za-z_-]{20,}"),
    _shape("huggingface-token", "hf_", r"hf_[A-Za-z0-9]{30,}"),
    _shape("sendgrid-key", "sg.", r"SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{16,64}"),
    _shape("square-token", "sq0", r"sq0[a-z]{3}-[0-9A-Za-z_\\-]{22,}"),
    _shape("twilio-key", "ac sk", r"(?:AC|SK)[a-z0-9]{32}(?![A-Za-z0-9])"),
    _shape("mailchimp-key", "-us", r"[0-9a-z]{32}-us[0-9]{1,2}(?![A-Za-z0-9])"),
    _shape("mailgun-key", "key-", r"key-[0-9a-f]{32}(?![A-Za-z0-9])"),
    _shape("telegram-token", ":", r"\d{8,10}:[0-9A-Za-z_-]{35}(?![0-9A-Za-z_-])"),
    _shape("digitalocean-token", "_v1_", r"do[opr]_v1_[a-f0-9]{40,}"),
    _shape("databricks-token", "dapi", r"dapi[a-f0-9]{32}(?:-\d)?"),
    _shape("vault-token", "hvs. hvb. hvr.", r"hv[sbr]\.[A-Za-z0-9_-]{20,}"),
    _shape("artifactory-key", "akc", r"AKC[A-Za-z0-9]{10,}"),
    _shape("artifactory-key", "ap", r"AP[\dA-F](?=[A-Za-z]*\d[A-Za-z]*\d)[A-Za-z0-9]{20,}"),
    _shape("azure-key", "accountkey=", r"(?<=AccountKey=)[A-Za-z0-9+/=]{40,}"),
    _shape("azure-key", "sharedaccesskey=", r"(?<=SharedAccessKey=)[A-Za-z0-9+/=]{40,}"),
    _shape("azure-secret", "8q~", r"[A-Za-z0-9_~.-]{3}8Q~[A-Za-z0-9_~.-]{31,34}"),
    _shape("age-key", "age-secret-key-", r"AGE-SECRET-KEY-1[0-9A-Z]{50,}"),
    _shape("linear-key", "lin_api_", r"lin_api_[A-Za-z0-9]{32,}"),
    _shape("notion-token", "ntn_", r"ntn_[A-Za-z0-9]{40,}"),
    _shape("shopify-token", "shpat_ shpss_ shpca_ shppa_", r"shp(?:at|ss|ca|pa)_[a-fA-F0-9]{32}"),
    _shape("grafana-token", "glsa_ glc_", r"gl(?:sa|c)_[A-Za-z0-9_=+/]{30,}"),
    _shape("postman-key", "pmak-", r"PMAK-[a-f0-9]{24}-[a-f0-9]{34}"),
    _shape("sentry-token", "sntrys_ sntryu_", r"sntry[su]_[A-Za-z0-9_=+/]{40,}"),
    _shape("supabase-key", "sbp_ sb_secret_", r"(?:sbp_[a-f0-9]{40}|sb_secret_[\w-]{20,})"),
    _shape("tailscale-key", "tskey-", r"tskey-[a-z]+-[A-Za-z0-9-]{16,}"),
    _shape("doppler-token", "dp.", r"dp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9_.-]{30,}"),
    _shape("groq-key", "gsk_", r"gsk_[A-Za-z0-9]{40,}"),
    _shape("xai-key", "xai-", r"xai-[A-Za-z0-9]{40,}"),
    _shape("perplexity-key", "pplx-", r"pplx-[A-Za-z0-9]{40,}"),
    _shape("replicate-token", "r8_", r"r8_[A-Za-z0-9]{30,}"),
    _shape("figma-token", "figd_", r"figd_[A-Za-z0-9_-]{30,}"),
    _shape("atlassian-token", "atatt3", r"ATATT3[A-Za-z0-9_=-]{40,}"),
    _shape("newrelic-key", "nrak-", r"NRAK-[A-Z0-9]{27}"),
    _shape("planetscale-token", "pscale_", r"pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.=-]{32,}"),
    _shape("terraform-token", ".atlasv1.", r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,}"),
    _shape("fly-token", "fm2_ fo1_", r"f(?:m2|o1)_[A-Za-z0-9_+/=,-]{40,}"),
    _shape("rubygems-key", "rubygems_", r"rubygems_[a-f0-9]{48}"),
    _shape("crates-token", "cio", r"cio[A-Za-z0-9]{32}(?![A-Za-z0-9])"),
    _shape("dockerhub-token", "dckr_", r"dckr_[a-z]{3}_[A-Za-z0-9_-]{20,}"),
    _shape("buildkite-token", "bkua_", r"bkua_[a-z0-9]{40}"),
    _shape("jwt", "eyj", r"(?<![\w=-])eyJ[\w=-]{8,}+\.[\w=-]{4,}+(?:\.[\w.+/=-]*+)?"),
    Shape(
        "private-key",
        ("private key", "ssh2 encrypted private"),
        # As far as it looks like a key, and its end mark if it is there: runs of base64, and the
        # headers of old formats. Not simply up to the end mark: what a person is asked to allow
        # must not hide a command between two marks. Line breaks may be written as \n.
        re.compile(
            r"-{4,5} ?BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)? ?-{4,5}"
            r"(?:[\s\\]++|n?[A-Z][A-Za-z-]{3,20}: [\w ,.+-]{1,80}(?=[\s\\]))*+"
            r"[\w+/=]{16,}+(?:[\s\\]++|[\w+/=]{16,}+)*+"
            r"(?:[\w+/=]{0,80}[\s\\]*n?-{4,5} ?END [A-Z0-9 ]{0,60}-{4,5})?"
        ),
    ),
    Shape(
        "private-key",
        ("putty-user-key-file",),
        re.compile(
            r"PuTTY-User-Key-File-\d(?:[^P]|P(?!uTTY-User|rivate-MAC))*+Private-MAC: [0-9a-f]+"
        ),
    ),
)


def redact_shapes(text: str, lower: str) -> str:
    """The text without them. lower: the text in lower case, for the hints."""
    for shape in SHAPES:
        for hint in shape.hints:
            if hint in lower:
                text = shape.pattern.sub(f"[redacted:{shape.kind}]", text)
                break
    return text
