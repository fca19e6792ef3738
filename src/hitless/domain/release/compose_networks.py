"""The networks of an application's containers, and which of them hitless creates. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from hitless.domain.application.model import Application, Role
from hitless.domain.common import names
from hitless.domain.common.foreign import Json
from hitless.domain.common.names import GATEWAY_NETWORK, LABEL_APPLICATION, LABEL_GATEWAY
from hitless.domain.gateway.model import Gateway
from hitless.domain.release import networks
from hitless.domain.release.networks import Network


def base_networks(application: Application, gateway: Gateway) -> tuple[Network, ...]:
    """The networks that hitless creates for the shared services, if they are missing.

    The one to the gateway is among them if one of the services has a route.
    """
    model = application.model
    left_out = gateway_networks(model, gateway.network)
    # with room for both colours, which are on them, too
    room = {"scale": 1 + 2 * sum(one.replicas for one in application.released)}
    shared = {one.name: model["services"][one.name] for one in application.having(Role.SHARED)}
    services = {
        name: {**service, **kept_networks(service, left_out), **room} for name, service in shared.items()
    }
    labels = {LABEL_APPLICATION: application.name}
    own = {**({} if "default" in (model.get("networks") or {}) else {"default": {}}), **own_networks(model)}
    found = networks.of_project(application.name, own, services, labels, gateway.pool)
    return (*found, *([_way(application, gateway)] if application.shared_with_route else []))


def shared_names(application: Application, gateway: Gateway) -> dict[str, dict[str, tuple[str, ...]]]:
    """The names of the shared services on their networks: key of a network -> service -> names."""
    model = application.model
    left_out = gateway_networks(model, gateway.network)
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for one in application.having(Role.SHARED):
        service = {**model["services"][one.name], **kept_networks(model["services"][one.name], left_out)}
        for key in networks.keys_of(service):
            settings = (service.get("networks") or {}).get(key) or {}
            found.setdefault(key, {})[one.name] = (one.name, *(settings.get("aliases") or ()))
        if one in application.shared_with_route:
            found.setdefault(names.WAY, {})[one.name] = (names.shared_host(application.name, one.name),)
    return found


def on_the_way(application: Application, service: str, own: Json) -> dict[str, Any]:
    """The `networks` of a shared service with a route: those that it has (`own`), and the gateway's way."""
    on = own.get("networks") or {"default": None}
    return {"networks": {**on, names.WAY: {"aliases": [names.shared_host(application.name, service)]}}}


def colour_networks(model: Json, application: Application, gateway: Gateway) -> tuple[Network, ...]:
    """The networks that hitless creates for a colour of this model: its own, and the way to the gateway."""
    labels = {LABEL_APPLICATION: application.name}
    own = {"default": {}, **networks_of_colours(application.model)}
    # two colours can't both use the name that the file gives a network
    own = {key: {**one, "name": ""} for key, one in own.items()}
    found = networks.of_project(model["name"], own, model["services"], labels, gateway.pool)
    return (*found, _way(application, gateway))


def _way(application: Application, gateway: Gateway) -> Network:
    """The network between the gateway and this application."""
    way = gateway.network_of(application.name)
    shared = sum(service.replicas for service in application.shared_with_route)
    return Network(
        way,
        {
            LABEL_APPLICATION: application.name,
            LABEL_GATEWAY: gateway.project,
            names.COMPOSE_NETWORK: names.WAY,
        },
        # both colours
        2 * sum(service.replicas for service in application.having(Role.WEB)) + shared,
        gateway.pool,
        # without a way out of the host: the engine does not choose it for the default route, and asks it
        # last for names
        {"internal": True},
        joined=gateway.container,
        is_joined=way in gateway.networks,
    )


def own_networks(model: Json) -> dict[str, Json]:
    """The networks of the application alone: key -> definition."""
    found = {key: network or {} for key, network in (model.get("networks") or {}).items()}
    return {key: network for key, network in found.items() if not network.get("external")}


def networks_of_colours(model: Json) -> dict[str, Json]:
    """The same as each colour has them: without fixed addresses, which two networks can't both have."""
    return {key: _without_addresses(network) for key, network in own_networks(model).items()}


def has_fixed_addresses(network: Json) -> bool:
    """Whether the file gives a network a subnet."""
    return any(pool.get("subnet") for pool in (network.get("ipam") or {}).get("config") or ())


def _without_addresses(network: Json) -> Json:
    if not has_fixed_addresses(network):
        return network
    ipam = {key: value for key, value in network["ipam"].items() if key != "config"}
    return {**network, "ipam": ipam}


def as_created(found: Sequence[Network]) -> dict[str, Json]:
    """Networks that exist, as external ones for Compose: key -> definition."""
    return {one.labels[names.COMPOSE_NETWORK]: {"name": one.name, "external": True} for one in found}


def kept_networks(service: Json, left_out: Collection[str]) -> dict[str, Any]:
    """The `networks` of a service without these keys; {} if the service is on none of them."""
    found = service.get("networks") or {}
    kept = {key: value for key, value in found.items() if key not in left_out}
    return {"networks": kept or {"default": None}} if len(kept) != len(found) else {}


def gateway_networks(model: Json, gateway_network: str) -> set[str]:
    """The keys of the networks in the model that are the gateway's."""
    return {
        key
        for key, network in (model.get("networks") or {}).items()
        if (network or {}).get("external")
        and (network or {}).get("name", key) in (gateway_network, GATEWAY_NETWORK)
    }
