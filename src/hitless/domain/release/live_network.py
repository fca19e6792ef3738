"""The network on which shared services find the live release's services by their names. Pure."""

from __future__ import annotations

from hitless.domain.application.model import Application, Role
from hitless.domain.common import names
from hitless.domain.common.names import FIXED_NAMES, LABEL_APPLICATION, LIVE_NETWORK, Colour, colour_project
from hitless.domain.gateway.model import Gateway
from hitless.domain.release import replicas
from hitless.domain.release.networks import Network

_LAST = 99_999_999


def callers(application: Application) -> dict[str, set[str]]:
    """The shared services that call the release, by their `depends_on`: service -> those that it calls."""
    released = {service.name for service in application.having(Role.WEB, Role.WORKER)}
    found = {service.name: released & set(service.depends_on) for service in application.having(Role.SHARED)}
    return {name: called for name, called in found.items() if called}


def live_network(application: Application, colour: Colour, promoted: int, gateway: Gateway) -> Network:
    """The network on which shared services find a release; `promoted` is the number of its promotion.

    A container on several networks asks them for a name in the order of the networks' own names (libnetwork,
    measured with Engine 26.1). So the name of each promotion's network sorts before the previous one: as soon
    as the new network has an answer, shared services find the new release.
    """
    called = live_names(application)
    count = sum(service.replicas for service in application.services if service.name in called)
    return Network(
        f"{application.name}_live-{_LAST - promoted:08}",
        {
            names.COMPOSE_PROJECT: colour_project(application.name, colour),
            names.COMPOSE_NETWORK: LIVE_NETWORK,
            LABEL_APPLICATION: application.name,
        },
        count + len(callers(application)),
        gateway.pool,
        # without this, the default route of the shared containers would change
        {"internal": True},
    )


def live_names(application: Application) -> dict[str, tuple[str, ...]]:
    """The names that shared services use to call a colour's containers: service -> names."""
    called = {name for names in callers(application).values() for name in names}
    found: dict[str, tuple[str, ...]] = {}
    for service in replicas.services(application):
        model = application.model["services"][service]
        if service in called and not model.get("network_mode"):
            on = (model.get("networks") or {}).values()
            aliases = (alias for network in on for alias in (network or {}).get("aliases") or ())
            own = [str(model[key]) for key in FIXED_NAMES if model.get(key)]
            found[service] = tuple(dict.fromkeys((service, *own, *aliases)))
    return found
