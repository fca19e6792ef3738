"""TLS options that an application defines, and its labels refer to."""

from __future__ import annotations

from typing import Any

import pytest

from hitless.domain.application import read as reading
from tests.domain.builders import WEB_LABELS, application, compose, only, web

PEM = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"
STAFF = {"clientAuth": {"clientAuthType": "RequireAndVerifyClientCert", "caFiles": [PEM]}}
LABEL = "traefik.http.routers.shop.tls.options"


def findings_of(options: Any, name: str = "modern") -> list[str]:
    services = {"app": web({**WEB_LABELS, LABEL: name})}
    _, found = reading.read(compose(services, x_hitless={"tls_options": options}))
    return [f"{one.path}: {one.message}" for one in found]


@pytest.mark.parametrize("name", ["modern", "modern@docker", "modern@file"])
def test_a_label_refers_to_them_by_name(name: str) -> None:
    labels = {**WEB_LABELS, LABEL: name}
    made = application({"app": web(labels)}, x_hitless={"tls_options": {"modern": STAFF}})
    [router] = made.routes.routers
    assert router.settings["tls"] == {"options": "modern", "defined": STAFF}


def test_those_that_are_not_defined() -> None:
    _, found = reading.read(compose({"app": web({**WEB_LABELS, LABEL: "modern@file"})}))
    finding = only(found)
    assert finding.path == f"services.app.labels.{LABEL}"
    assert finding.message == "no TLS options 'modern' in this application"
    assert "tls_options: {modern: " in finding.hint


def test_the_default_ones_need_no_definition() -> None:
    assert application({"app": web({**WEB_LABELS, LABEL: "default"})}).routes.routers[0].settings["tls"] == {
        "options": "default"
    }


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], ["x-hitless.tls_options: must be a mapping: name -> options"]),
        ({"default": {}}, ["x-hitless.tls_options.default: are the gateway's own"]),
        ({"modern": "TLS13"}, ["x-hitless.tls_options.modern: must be a mapping of options"]),
        ({"modern": {"minVersion": "1.3"}}, ["x-hitless.tls_options.modern.minVersion: '1.3' is unknown"]),
        (
            {"modern": {"cipherSuites": ["RC4"], "curvePreferences": "P256", "min": 1}},
            [
                "x-hitless.tls_options.modern.cipherSuites: 'RC4' is unknown",
                "x-hitless.tls_options.modern.curvePreferences: 'P256' is unknown",
                "x-hitless.tls_options.modern.min: is unknown",
            ],
        ),
        (
            {"modern": {"clientAuth": {"caFiles": ["/ca.pem"], "clientAuthType": "yes", "x": 1}}},
            [
                "x-hitless.tls_options.modern.clientAuth: x is unknown",
                "x-hitless.tls_options.modern.clientAuth: clientAuthType must be one of NoClientCert, "
                "RequestClientCert, RequireAnyClientCert, VerifyClientCertIfGiven, "
                "RequireAndVerifyClientCert",
                "x-hitless.tls_options.modern.clientAuth: caFiles must be a list of certificates themselves, "
                "in PEM",
            ],
        ),
        (
            {"modern": {"clientAuth": 1, "alpnProtocols": "h2"}},
            [
                "x-hitless.tls_options.modern.clientAuth: must be a mapping",
                "x-hitless.tls_options.modern.alpnProtocols: must be a list of names",
            ],
        ),
    ],
)
def test_all_that_is_wrong_is_said_at_once(options: Any, said: list[str]) -> None:
    found = findings_of(options)
    assert [one for one in found if "no TLS options" not in one] == said


def test_what_is_right() -> None:
    right = {
        "minVersion": "VersionTLS12",
        "maxVersion": "VersionTLS13",
        "cipherSuites": ["TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"],
        "curvePreferences": ["X25519"],
        "alpnProtocols": ["h2"],
    }
    assert findings_of({"modern": right}) == []
