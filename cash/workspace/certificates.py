"""Which certificate authorities an agent's programs trust: those its user has set, where the file
is one that is shown inside anyway."""

from __future__ import annotations

import os
from collections.abc import Mapping

# One name per family of programs; none of them holds anything but a path.
_NAMES = (
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE"),
    *("CURL_CA_BUNDLE", "PIP_CERT", "GIT_SSL_CAINFO", "CARGO_HTTP_CAINFO", "NIX_SSL_CERT_FILE"),
)
_SHOWN = ("/etc/", "/usr/")


def certificate_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """The settings of `environment` that hold inside too: a company's proxy signs with an
    authority of its own, and Node and pip bring theirs unless told."""
    return {
        name: environment[name]
        for name in _NAMES
        if os.path.realpath(environment.get(name, "")).startswith(_SHOWN)
    }
