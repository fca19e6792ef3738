"""`x-hitless.tls_options`: what a label `tls.options` refers to, in Traefik's words. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hitless.domain.common.findings import Finding
from hitless.domain.common.foreign import Json
from hitless.domain.common.names import X_HITLESS
from hitless.domain.routing.model import Router, Routes, local_name

_VERSIONS = ("VersionTLS10", "VersionTLS11", "VersionTLS12", "VersionTLS13")
_CLIENT = (
    *("NoClientCert", "RequestClientCert", "RequireAnyClientCert", "VerifyClientCertIfGiven"),
    "RequireAndVerifyClientCert",
)
# Those of Go's crypto/tls that are not broken (tls.CipherSuites). TLS 1.3 has its own, which nobody chooses.
_CIPHERS = (
    *("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"),
    *("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"),
    *("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305"),
    *("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"),
    *("TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA"),
    *("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA"),
)
_CURVES = ("CurveP256", "CurveP384", "CurveP521", "X25519", "X25519MLKEM768")
_PEM = "-----BEGIN CERTIFICATE-----"
_ONE_OF: dict[str, tuple[str, ...]] = {"minVersion": _VERSIONS, "maxVersion": _VERSIONS}
_LISTS: dict[str, tuple[str, ...]] = {"cipherSuites": _CIPHERS, "curvePreferences": _CURVES}
_KNOWN = (*_ONE_OF, *_LISTS, "alpnProtocols", "clientAuth")


def read(value: Any, findings: list[Finding]) -> dict[str, Json]:
    """The options by name. Adds to the findings what is wrong with them."""
    path = f"{X_HITLESS}.tls_options"
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        findings.append(Finding(path, "must be a mapping: name -> options"))
        return {}
    found: dict[str, Json] = {}
    for name, options in value.items():
        if name == DEFAULT:
            findings.append(Finding(f"{path}.{name}", "are the gateway's own", "choose another name"))
            continue
        if not isinstance(options, Mapping):
            findings.append(Finding(f"{path}.{name}", "must be a mapping of options"))
            continue
        findings += [
            Finding(f"{path}.{name}.{key}", said, hint)
            for key, one in options.items()
            for said, hint in _wrong(str(key), one)
        ]
        found[str(name)] = dict(options)
    return found


def resolved(routes: Routes, known: Mapping[str, Json], findings: list[Finding]) -> Routes:
    """The routes, each with the options themselves beside their name. Adds what is wrong to the findings."""
    routers = []
    for router in routes.routers:
        name = options_name(router)
        if name != DEFAULT and name not in known:
            path = f"{router.path}.tls.options"
            hint = f"define them: `{X_HITLESS}: {{tls_options: {{{name}: {{minVersion: VersionTLS13}}}}}}`"
            findings.append(Finding(path, f"no TLS options {name!r} in this application", hint))
        elif name != DEFAULT:
            tls = {**router.settings["tls"], "options": name, "defined": known[name]}
            router = replace(router, settings={**router.settings, "tls": tls})
        routers.append(router)
    return replace(routes, routers=tuple(routers))


DEFAULT = "default"


def options_name(router: Router) -> str:
    """The name of a route's TLS options, as its application has them: without a provider."""
    name = str(router.settings.get("tls", {}).get("options") or DEFAULT)
    return local_name(name).removesuffix("@file")


def _wrong(key: str, value: Any) -> list[tuple[str, str]]:
    if key in _ONE_OF:
        return (
            [] if value in _ONE_OF[key] else [(f"{value!r} is unknown", f"known: {', '.join(_ONE_OF[key])}")]
        )
    if key in _LISTS:
        return [
            (f"{one!r} is unknown", f"known: {', '.join(_LISTS[key])}")
            for one in (value if isinstance(value, list) else [value])
            if one not in _LISTS[key]
        ]
    if key == "alpnProtocols":
        is_right = isinstance(value, list) and all(isinstance(one, str) for one in value)
        return [] if is_right else [("must be a list of names", "")]
    if key == "clientAuth":
        return _wrong_client(value)
    return [("is unknown", f"known: {', '.join(_KNOWN)}")]


def _wrong_client(value: Any) -> list[tuple[str, str]]:
    if not isinstance(value, Mapping):
        return [("must be a mapping", "")]
    found = [
        (f"{key} is unknown", "known: caFiles, clientAuthType")
        for key in value
        if key not in ("caFiles", "clientAuthType")
    ]
    if value.get("clientAuthType") not in _CLIENT:
        found.append((f"clientAuthType must be one of {', '.join(_CLIENT)}", ""))
    files = value.get("caFiles", [])
    if not isinstance(files, list) or not all(_PEM in str(one) for one in files):
        # a path would be one in the gateway's container; and a rollback must have the same certificates
        found.append(
            ("caFiles must be a list of certificates themselves, in PEM", "write them as a text block: |")
        )
    return found
