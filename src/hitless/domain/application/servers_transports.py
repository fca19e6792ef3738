"""`x-hitless.servers_transports`: how the gateway speaks TLS with containers, in Traefik's words. Pure.

A label `loadbalancer.serverstransport` refers to one. `default` is for those without such a label, as
`--serverstransport` of Traefik's own command line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hitless.domain.common.findings import Finding
from hitless.domain.common.foreign import Json
from hitless.domain.common.names import X_HITLESS
from hitless.domain.routing.model import Backend, Routes, local_name

DEFAULT = "default"
FIELD = "serversTransport"
_PEM = "-----BEGIN CERTIFICATE-----"
_KNOWN = ("insecureSkipVerify", "serverName", "rootCAs", "disableHTTP2")


def read(value: Any, findings: list[Finding]) -> dict[str, Json]:
    """The transports by name. Adds to the findings what is wrong with them."""
    path = f"{X_HITLESS}.servers_transports"
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        findings.append(Finding(path, "must be a mapping: name -> servers transport"))
        return {}
    found: dict[str, Json] = {}
    for name, one in value.items():
        if not isinstance(one, Mapping):
            findings.append(Finding(f"{path}.{name}", "must be a mapping"))
            continue
        for key, given in one.items():
            if said := _wrong(str(key), given):
                findings.append(Finding(f"{path}.{name}.{key}", *said))
        found[str(name)] = dict(one)
    return found


def resolved(routes: Routes, known: Mapping[str, Json], findings: list[Finding]) -> Routes:
    """The routes; each backend over https has the transport itself. Adds what is wrong to the findings."""
    return replace(routes, backends=tuple(_resolved(one, known, findings) for one in routes.backends))


def _resolved(backend: Backend, known: Mapping[str, Json], findings: list[Finding]) -> Backend:
    settings = {key: value for key, value in backend.load_balancer.items() if key != FIELD}
    named = backend.load_balancer.get(FIELD)
    name = local_name(str(named or DEFAULT)).removesuffix("@file").removesuffix("@internal")
    path = f"services.{backend.service}.labels.traefik.http.services.{backend.name}.loadbalancer"
    if name not in known and name != DEFAULT:
        hint = f"define it: `{X_HITLESS}: {{servers_transports: {{{name}: {{insecureSkipVerify: true}}}}}}`"
        said = f"no servers transport {name!r} in this application"
        findings.append(Finding(f"{path}.serverstransport", said, hint))
    elif backend.scheme == "https" and name not in known:
        findings.append(
            Finding(
                f"{path}.server.scheme",
                "the gateway would refuse the certificate of every container: none is for a container's name",
                f"say whom to believe: `{X_HITLESS}: {{servers_transports: {{default: {{rootCAs: […], "
                "serverName: …}}}`, or {insecureSkipVerify: true} for anybody; or speak http there",
            )
        )
    elif backend.scheme == "https":
        settings[FIELD] = known[name]
    return replace(backend, load_balancer=settings)


def _wrong(key: str, value: Any) -> tuple[str, str] | None:
    match key:
        case "insecureSkipVerify" | "disableHTTP2":
            return None if isinstance(value, bool) else (f"expects true or false, not {value!r}", "")
        case "serverName":
            return None if isinstance(value, str) and value else ("must be a host name", "")
        case "rootCAs":
            if isinstance(value, list) and all(_PEM in str(one) for one in value):
                return None
            # a path would be one in the gateway's container; and a rollback must have the same certificates
            return "must be a list of certificates themselves, in PEM", "write them as a text block: |"
        case _:
            return "is unknown", f"known: {', '.join(_KNOWN)}"
