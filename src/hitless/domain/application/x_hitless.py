"""`x-hitless`: the settings for hitless in a Compose file, for the application and for each service. Pure.

What is wrong in it becomes a finding; the rest still counts.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from typing import Any

from hitless.domain.application import servers_transports, tls_options
from hitless.domain.application.model import Hook, Role, Settings, When
from hitless.domain.common.durations import seconds
from hitless.domain.common.findings import Finding
from hitless.domain.common.foreign import Json
from hitless.domain.common.names import X_HITLESS
from hitless.domain.routing.model import Protocol

_SETTINGS = tuple(setting.name for setting in fields(Settings))
_OF_APPLICATION = (*_SETTINGS, "tls_options", "servers_transports", "roles", "hooks")


_OF_SERVICE = (
    *("timeout", "successes", "ask_routes", "role", "exclusive", "concurrent_writes"),
    *("publish", "protocol"),
)
_PUBLISH = {"gateway": True, "none": False}
_PROTOCOLS = (Protocol.HTTP, Protocol.TCP)  # a port of UDP says that itself
_OF_HOOK = ("service", "command", "local", "timeout")


_HOOK_TIMEOUT = 300.0  # seconds: a migration takes longer than a start


@dataclass(frozen=True)
class Extension:
    """What one `x-hitless` says. Compose calls every `x-` key an extension.

    At the top of the file, `roles` gives roles to services by name. At a service, `role` is its own, and
    `publish` says whether the gateway publishes the service's ports, with this `protocol`; None: the file
    says nothing. `tls_options` and `servers_transports` are what labels may refer to, by name.
    """

    settings: Settings
    role: Role | None = None
    exclusive: bool | None = None
    concurrent_writes: bool = False
    roles: Mapping[str, Role] = field(default_factory=dict)
    hooks: tuple[Hook, ...] = ()
    publish: bool | None = None
    protocol: Protocol | None = None
    tls_options: Mapping[str, Json] = field(default_factory=dict)
    servers_transports: Mapping[str, Json] = field(default_factory=dict)


def of_application(model: Json, findings: list[Finding]) -> Extension:
    """The `x-hitless` at the top of the file. Adds to the findings what is wrong there."""
    value = _mapping(model.get(X_HITLESS), X_HITLESS, _OF_APPLICATION, findings)
    services = tuple(model.get("services") or {})
    return Extension(
        settings=_settings(value, X_HITLESS, Settings(), findings),
        roles=_roles(value.get("roles"), services, findings),
        hooks=_hooks(value.get("hooks"), services, findings),
        tls_options=tls_options.read(value.get("tls_options"), findings),
        servers_transports=servers_transports.read(value.get("servers_transports"), findings),
    )


def of_service(name: str, service: Json, base: Settings, findings: list[Finding]) -> Extension:
    """The `x-hitless` of a service; `base` are the settings for all. Adds what is wrong to the findings."""
    path = f"services.{name}.{X_HITLESS}"
    value = _mapping(service.get(X_HITLESS), path, _OF_SERVICE, findings)
    return Extension(
        settings=_settings(value, path, base, findings),
        role=_role(value["role"], f"{path}.role", findings) if "role" in value else None,
        exclusive=value["exclusive"] if isinstance(value.get("exclusive"), bool) else None,
        concurrent_writes=value.get("concurrent_writes") is True,
        publish=_PUBLISH.get(str(value.get("publish"))),
        protocol=Protocol(value["protocol"]) if value.get("protocol") in _PROTOCOLS else None,
    )


def _mapping(value: Any, path: str, known: tuple[str, ...], findings: list[Finding]) -> dict[str, Any]:
    """The known keys of a mapping. Other keys, and a value that is not a mapping, become findings."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        findings.append(Finding(path, "must be a mapping"))
        return {}
    for key in value:
        if key not in known:
            close = get_close_matches(str(key), known, n=1)
            hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(known)}"
            findings.append(Finding(f"{path}.{key}", "is unknown", hint))
    return {key: one for key, one in value.items() if key in known}


def _settings(value: Json, path: str, base: Settings, findings: list[Finding]) -> Settings:
    changes: dict[str, Any] = {}
    for key, raw in value.items():
        try:
            changes[key] = _setting(key, raw)
        except ValueError as error:
            findings.append(Finding(f"{path}.{key}", str(error)))
    return replace(base, **{key: one for key, one in changes.items() if key in _SETTINGS})


def _setting(key: str, raw: Any) -> Any:
    match key:
        case "concurrent_writes" | "ask_routes" | "exclusive" | "https_redirect":
            if not isinstance(raw, bool):
                raise ValueError(f"expects true or false, not {raw!r}")
            return raw
        case "successes" | "keep" | "wait_limit":
            if isinstance(raw, bool) or not isinstance(raw, int) or raw < 1:
                raise ValueError(f"expects a whole number of at least 1, not {raw!r}")
            return raw
        case "wait_page":  # what the file has, as the adapter has read it
            if not isinstance(raw, str):
                raise ValueError(f"expects the name of a file with HTML, not {raw!r}")
            return raw.replace("$$", "$")
        case "certificates":
            if raw not in ("now", "later"):
                raise ValueError(f"expects now or later, not {raw!r}")
            return raw
        case "publish" if raw not in _PUBLISH:
            raise ValueError(f"expects {' or '.join(_PUBLISH)}, not {raw!r}")
        case "protocol" if raw not in _PROTOCOLS:
            raise ValueError(f"expects {' or '.join(_PROTOCOLS)}, not {raw!r}")
        case "role" | "roles" | "hooks" | "publish" | "protocol" | "tls_options" | "servers_transports":
            return raw  # other functions read these
        case _:
            return seconds(raw)


def _role(raw: Any, path: str, findings: list[Finding]) -> Role | None:
    if raw in tuple(Role):
        return Role(raw)
    findings.append(Finding(path, f"{raw!r} is not a role", f"known: {', '.join(Role)}"))
    return None


def _roles(value: Any, services: Collection[str], findings: list[Finding]) -> dict[str, Role]:
    path = f"{X_HITLESS}.roles"
    named = _mapping(value, path, tuple(services), findings)
    found = {name: _role(raw, f"{path}.{name}", findings) for name, raw in named.items()}
    return {name: role for name, role in found.items() if role}


def _hooks(value: Any, services: Collection[str], findings: list[Finding]) -> tuple[Hook, ...]:
    found: list[Hook] = []
    for when, raw in _mapping(value, f"{X_HITLESS}.hooks", tuple(When), findings).items():
        for number, one in enumerate(raw if isinstance(raw, list) else [raw], start=1):
            path = f"{X_HITLESS}.hooks.{when}" + (f"[{number - 1}]" if isinstance(raw, list) else "")
            try:
                hook = _hook(When(when), number, _mapping(one, path, _OF_HOOK, findings), services)
            except ValueError as error:
                findings.append(Finding(path, str(error)))
            else:
                found += [hook] if hook else []
    return tuple(found)


def _hook(when: When, number: int, value: Json, services: Collection[str]) -> Hook | None:
    """A hook; None if it is empty, or has a finding already. Raises `ValueError` if it is wrong."""
    if not value:
        return None
    service, local = value.get("service"), value.get("local")
    if (local is None) == (service is None):
        raise ValueError(
            "needs either `service` and `command`, for a container, or `local`, for a command on your machine"
        )
    if service is not None and service not in services:
        raise ValueError(f"there is no service {service!r}")
    timeout = seconds(value["timeout"]) if "timeout" in value else _HOOK_TIMEOUT
    return Hook(when, number, service, _command(value.get("command") if local is None else local), timeout)


def _command(raw: Any) -> tuple[str, ...]:
    """A command as a list of words; a text is for the shell. Raises `ValueError` if it is neither."""
    if isinstance(raw, str) and raw.strip():
        return ("sh", "-c", raw)
    if isinstance(raw, list) and raw and all(isinstance(word, str) for word in raw):
        return tuple(raw)
    raise ValueError("needs a command: a text for the shell, or a list of words")
