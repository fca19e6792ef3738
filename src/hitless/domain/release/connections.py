"""What a release's containers are connected to beyond their own networks. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hitless.domain.application.model import Application, Role
from hitless.domain.common.names import Colour
from hitless.domain.gateway.model import Gateway
from hitless.domain.release import compose_models, networks
from hitless.domain.release import replicas as replica_names
from hitless.domain.release.compose_networks import gateway_networks, kept_networks
from hitless.domain.release.model import Release


def beyond_its_own(
    application: Application, gateway: Gateway, containers: Mapping[str, Sequence[str]]
) -> dict[str, list[str]]:
    """The networks beyond its own that a release is on: network -> containers of it.

    They are those of the base project, where it meets shared services, and those of others. `containers`
    maps service -> names. Containers are connected there without their service's name: on these networks
    only shared services answer by theirs, and no other colour's.
    """
    model = application.model
    left_out = gateway_networks(model, gateway.network)

    def on(service: str) -> tuple[str, ...]:
        found = model["services"].get(service) or {}
        return networks.keys_of({**found, **kept_networks(found, left_out)})

    shared = {key for service in application.having(Role.SHARED) for key in on(service.name)}
    found: dict[str, list[str]] = {}
    for service, names in containers.items():
        for key in on(service):
            network = (model.get("networks") or {}).get(key) or {}
            if network.get("external"):
                found.setdefault(str(network.get("name") or key), []).extend(names)
            elif key in shared:
                found.setdefault(str(network.get("name") or f"{application.name}_{key}"), []).extend(names)
    return found


def connections(
    application: Application, release: Release, candidate: Colour, gateway: Gateway
) -> dict[str, tuple[str, ...]]:
    """What the candidate's containers are connected to beyond its own networks: network -> containers."""
    containers = replica_names.replicas(application, candidate)
    once = {} if release.promoted else {one.name: one.name for one in application.having(Role.JOB)}
    once.update(
        (compose_models.hook_service(hook), hook.service)
        for hook in compose_models.hooks(application, bool(release.promoted))
        if hook.service
    )
    of_service = {name: list(names) for name, names in containers.items()}
    for name, service in once.items():
        of_service.setdefault(service, []).append(replica_names.runs_once(application, candidate, name))
    found = {
        gateway.network_of(application.name): [
            container
            for service, names in containers.items()
            for container in names
            if application.is_web(service)
        ]
    }
    for network, names in beyond_its_own(application, gateway, of_service).items():
        found.setdefault(network, []).extend(names)
    return {network: tuple(names) for network, names in found.items() if names}
