"""The gateway's own middlewares: who uses which, and which may go. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from hitless.domain.common.findings import Finding
from hitless.domain.host.world import World
from hitless.domain.routing.gateway_config import Config, shared_by


@dataclass(frozen=True)
class ConfigStatus:
    """A file of the operator's in the gateway.

    `middlewares` maps the name of each to its kind, `applications` that of each which is used to the
    applications that use it.
    """

    name: str
    middlewares: Mapping[str, str]
    applications: Mapping[str, tuple[str, ...]]


def config_statuses(world: World) -> tuple[ConfigStatus, ...]:
    """Those of the gateway, by name."""
    return tuple(
        ConfigStatus(
            one.name,
            {name: next(iter(kinds), "") for name, kinds in one.middlewares.items()},
            users(one.middlewares, world),
        )
        for one in world.configs
    )


def users(names: Collection[str], world: World) -> dict[str, tuple[str, ...]]:
    """The applications whose routes use these middlewares, whichever of their colours is live."""
    found: dict[str, list[str]] = {}
    for application, routing in sorted(world.routings.items()):
        for name in sorted(shared_by(routing) & set(names)):
            found.setdefault(name, []).append(application)
    return {name: tuple(applications) for name, applications in found.items()}


def told(used: Mapping[str, Collection[str]]) -> str:
    """Middlewares and who uses them, for people."""
    return "; ".join(f"{name} (used by {', '.join(applications)})" for name, applications in used.items())


def conflicts(config: Config, world: World) -> tuple[Finding, ...]:
    """Why this one can't be added: names that another has, or that applications need and it has no more."""
    findings = [
        Finding(
            f"http.middlewares.{name}",
            f"the config {other.name} has a middleware of this name already",
            f"choose another name, or remove that: hitless gateway config remove {other.name}",
        )
        for other in world.configs
        if other.name != config.name
        for name in config.middlewares
        if name in other.middlewares
    ]
    before = next((one for one in world.configs if one.name == config.name), None)
    gone = set(before.middlewares) - set(config.middlewares) if before else set()
    for name, applications in users(gone, world).items():
        who = ", ".join(applications)
        findings.append(
            Finding(
                f"http.middlewares.{name}",
                f"the file does not have it, and {who} would be unreachable without it",
                f"keep it until no release of {who} refers to it",
            )
        )
    return tuple(findings)
