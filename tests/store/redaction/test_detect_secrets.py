"""What detect-secrets tells by its looks is taken out too: nothing it finds is left."""

from __future__ import annotations

import random
import string

import pytest
from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.plugins.base import RegexBasedDetector

from cash.store.redaction import redact_text

_ALPHABET = string.ascii_letters + string.digits
_LOWER = string.ascii_lowercase + string.digits
_HEX = "0123456789abcdef"


def _draw(length: int, alphabet: str = _ALPHABET) -> str:
    # "7a" so that no drawing is without digits or letters.
    return "7a" + "".join(random.Random(length).choices(alphabet, k=length - 2))


# class of detect-secrets -> lines it finds a secret in
_LINES = {
    "ArtifactoryDetector": [f"artifactory: AKC{_draw(70)} "],
    "AWSKeyDetector": [
        "echo AKIA" + _draw(16).upper(),
        "echo ASIA" + _draw(16).upper(),
        f"aws_secret_key = '{_draw(40)}'",
    ],
    "AzureStorageKeyDetector": [f"conn='AccountName=a;AccountKey={_draw(86)}=='"],
    "BasicAuthDetector": ["curl https://alice:hunter2@example.com/x"],
    "CloudantDetector": [
        f"cloudant_password='{_draw(64, _HEX)}'",
        f"curl https://alice:{_draw(64, _HEX)}@alice.cloudant.com",
    ],
    "DiscordBotTokenDetector": [f"bot M{_draw(23)}.{_draw(6)}.{_draw(27)}"],
    "GitHubTokenDetector": [
        f"echo {kind}_{_draw(36)}" for kind in ("ghp", "gho", "ghu", "ghs", "ghr")
    ],
    "GitLabTokenDetector": [
        f"echo glpat-{_draw(20)}",
        f"echo gldt-{_draw(20)}",
        f"echo GR1348941{_draw(20)}",
        f"echo glcbt-1a_{_draw(20)}",
        f"echo glagent-{_draw(60)}",
        f"echo gloas-{_draw(64)}",
        f"echo glimt-{_draw(25)}",
        f"echo glptt-{_draw(40)}",
    ],
    "IbmCloudIamDetector": [f"ibm_cloud_api_key={_draw(44)}"],
    "IbmCosHmacDetector": [f"cos_hmac_secret_access_key={_draw(48, _HEX)}"],
    "JwtTokenDetector": ["echo eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NSJ9." + _draw(43)],
    "MailchimpDetector": [f"echo {_draw(32, _HEX)}-us12"],
    "NpmDetector": [f"echo '//registry.example.com/:_authToken=npm_{_draw(36)}' >> .npmrc"],
    "OpenAIDetector": [f"echo sk-{_draw(20)}T3BlbkFJ{_draw(20)}"],
    "PrivateKeyDetector": [
        f"echo '-----BEGIN {kind}-----\n{_draw(64)}\n-----END {kind}-----'"
        for kind in (
            *("RSA PRIVATE KEY", "EC PRIVATE KEY", "DSA PRIVATE KEY", "OPENSSH PRIVATE KEY"),
            *("PRIVATE KEY", "PGP PRIVATE KEY BLOCK"),
        )
    ],
    "PypiTokenDetector": [f"echo pypi-AgEIcHlwaS5vcmc{_draw(80)}"],
    "SendGridDetector": [f"echo SG.{_draw(22)}.{_draw(43)}"],
    "SlackDetector": [
        f"echo xoxb-123456789012-1234567890123-{_draw(24, _LOWER)}",
        f"curl https://hooks.slack.com/services/T0{_draw(8)}/B0{_draw(8)}/{_draw(24)}",
    ],
    "SoftlayerDetector": [f"softlayer_api_key={_draw(64, _LOWER)}"],
    "SquareOAuthDetector": [f"echo sq0csp-{_draw(43)}"],
    "StripeDetector": [f"echo sk_live_{_draw(24)}", f"echo rk_live_{_draw(24)}"],
    "TelegramBotTokenDetector": [f"echo 123456789:{_draw(35)}"],
    "TwilioKeyDetector": [f"echo AC{_draw(32, _HEX)}", f"echo SK{_draw(32, _HEX)}"],
}
# These tell no secret by its looks: an address, and names and entropy, which are judged apart.
_OTHERS = {
    *("IPPublicDetector", "KeywordDetector", "Base64HighEntropyString", "HexHighEntropyString"),
}
_CLASSES = {kind.__name__: kind for kind in get_mapping_from_secret_type_to_class().values()}


def test_every_plugin_has_its_lines() -> None:
    assert set(_LINES) | _OTHERS == set(_CLASSES)


@pytest.mark.parametrize(
    ("plugin", "line"), [(plugin, line) for plugin, lines in _LINES.items() for line in lines]
)
def test_nothing_that_it_finds_is_left(plugin: str, line: str) -> None:
    detector = _CLASSES[plugin]()
    assert isinstance(detector, RegexBasedDetector)
    found = set(detector.analyze_string(line))
    assert found
    redacted = redact_text(line)
    assert set(detector.analyze_string(redacted)) == set()
    assert not any(secret in redacted for secret in found)
