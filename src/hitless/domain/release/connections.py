"""The networks of a release's containers that are not the release's own. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from hitless.domain.application.model import Application, Role
from hitless.domain.gateway.model import Gateway
from hitless.domain.release import compose_models, networks, replicas
from hitless.domain.release.compose_networks import gateway_networks, kept_networks
from hitless.domain.release.model import Release


def beyond_its_own(
    application: Application, gateway: Gateway, services: Mapping[str, str]
) -> dict[str, list[str]]:
    """The networks of a release that are not its own: network -> services of the release.

    They are those of the base project, with the shared services, and those of others. `services` maps each
    service of the release to the service of the file that it is made from: for a hook, the service that the
    hook names. Containers are connected there without their service's name: on these networks only shared
    services answer to their names.
    """
    model = application.model
    left_out = gateway_networks(model, gateway.network)

    def on(service: str) -> tuple[str, ...]:
        found = model["services"].get(service) or {}
        return networks.keys_of({**found, **kept_networks(found, left_out)})

    shared = {key for service in application.having(Role.SHARED) for key in on(service.name)}
    found: dict[str, list[str]] = {}
    for service, like in services.items():
        for key in on(like):
            network = (model.get("networks") or {}).get(key) or {}
            if network.get("external"):
                found.setdefault(str(network.get("name") or key), []).append(service)
            elif key in shared:
                found.setdefault(str(network.get("name") or f"{application.name}_{key}"), []).append(service)
    return found


def connections(application: Application, release: Release, gateway: Gateway) -> dict[str, tuple[str, ...]]:
    """The networks of a release that are not its own, with the one to the gateway: network -> services."""
    stay = replicas.services(application)
    once = () if release.promoted else tuple(one.name for one in application.having(Role.JOB))
    hooks = {
        compose_models.hook_service(hook): hook.service
        for hook in compose_models.hooks(application, bool(release.promoted))
        if hook.service
    }
    found = {gateway.network_of(application.name): [name for name in stay if application.is_web(name)]}
    like = {**{name: name for name in (*stay, *once)}, **hooks}
    for network, services in beyond_its_own(application, gateway, like).items():
        found.setdefault(network, []).extend(services)
    return {network: tuple(services) for network, services in found.items() if services}
