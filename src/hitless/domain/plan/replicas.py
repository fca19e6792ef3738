"""The steps that add containers to the live colour, or remove some. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace

from hitless.domain.application.model import Application, Role
from hitless.domain.application.replicas import replicas
from hitless.domain.application.scaled import scaled
from hitless.domain.common.foreign import Json
from hitless.domain.gateway.model import Gateway
from hitless.domain.host.world import Container, World
from hitless.domain.plan import callers
from hitless.domain.plan import shared as shared_steps
from hitless.domain.plan.model import Action, in_phase
from hitless.domain.plan.phases import Phase
from hitless.domain.plan.routing_steps import AddReplicas, Gate, Restore, Withdraw
from hitless.domain.plan.steps import Create, Drain, Remove, Start, Step
from hitless.domain.release import compose_models, compose_networks, requirements, restart
from hitless.domain.release import connections as connecting
from hitless.domain.release.colour_routing import colour_routing
from hitless.domain.release.model import Release
from hitless.domain.release.prepared import Prepared
from hitless.domain.routing.split import Routing, without


def grow(
    application: Prepared, release: Release, routing: Routing, world: World, gateway: Gateway
) -> tuple[tuple[Action, ...], Routing]:
    """The steps that add the containers that the live colour lacks, and the routing after them."""
    colour = routing.live
    if colour is None:
        return (), routing
    name, there = application.name, world.of(colour)
    staying = _staying(application, there)
    lacking = tuple(
        service.name
        for service in application.having(Role.WEB, Role.WORKER)
        if sum(one.is_running for one in staying[service.name]) < service.replicas
    )
    if not lacking:
        return (), routing
    # a container that died is started again, and passes the gate like one that is created
    again = {one.id for service in lacking for one in staying[service] if not one.is_running}
    beside = tuple(one.id for one in there if one.id not in again)
    served = {server.host for server in routing.colours[colour].servers}
    serving = {
        service: tuple(one.name for one in there if one.service == service and one.name in served)
        for service in staying
    }
    part = colour_routing(application, release.number, lacking, serving)
    after = routing.next(routing.split, {**routing.colours, colour: part})
    proofs = requirements.of_services(application, release.images, lacking)
    policies = restart.restart_policies(application, lacking)
    bare = replace(application, hooks=())
    connections = connecting.connections(bare, release, gateway)
    model = _model(compose_models.colour_model(bare, release, colour, gateway, colour, True), lacking, there)
    create = Create(
        application=name,
        colour=colour,
        release=release.number,
        model=model,
        volumes=compose_models.own_volumes(application.model),
        networks=compose_networks.colour_networks(model, application, gateway),
        connect={
            network: tuple(one for one in services if one in lacking)
            for network, services in connections.items()
        },
        beside=beside,
    )
    start = Start(name, colour, model, lacking, requirements.longest_timeout(application))
    drain = Drain(name, colour, application.settings.drain_timeout, beside=beside)
    actions = (
        *in_phase(Phase.START, shared_steps.connect_shared(application, world)),
        Action(create, Phase.START, undo=(Remove(name, colour, beside=beside),)),
        *in_phase(Phase.START, [start]),
        *in_phase(Phase.GATE, [Gate(name, colour, proofs)]),
        Action(
            AddReplicas(routing, after, proofs, policies, lacking),
            Phase.CUT_OVER,
            undo=(Restore(name, routing), drain),
        ),
        *in_phase(Phase.BAKE, callers.attach(application, colour, release.promoted, gateway)),
    )
    return actions, after


def shrink(
    application: Prepared, routing: Routing, world: World, drain_timeout: float
) -> tuple[list[Step], Routing]:
    """The steps that remove the containers that the live colour has too many, and the routing after them."""
    colour = routing.live
    if colour is None:
        return [], routing
    name = application.name
    staying = _staying(application, world.of(colour))
    surplus = tuple(
        one.name for one in world.of(colour) if one.service in staying and one not in staying[one.service]
    )
    if not surplus:
        return [], routing
    part = without(routing.colours[colour], surplus)
    steps: list[Step] = []
    if part != routing.colours[colour]:
        after = routing.next(routing.split, {**routing.colours, colour: part})
        steps.append(Withdraw(name, routing, after, colour, surplus))
        routing = after
    steps += [Drain(name, colour, drain_timeout, surplus), Remove(name, colour, surplus)]
    return steps, routing


def _staying(application: Application, there: Sequence[Container]) -> dict[str, tuple[Container, ...]]:
    """The containers of a colour that stay, by service: those that run first, then by number."""
    return {
        service.name: tuple(
            sorted((one for one in there if one.service == service.name), key=lambda one: not one.is_running)
        )[: service.replicas]
        for service in application.having(Role.WEB, Role.WORKER)
    }


def _model(model: Json, services: Collection[str], there: Sequence[Container]) -> Json:
    """The model of these services alone, without `depends_on`: Compose must not change any other service."""
    count = Counter(one.service for one in there)
    found = {
        name: {
            **{key: value for key, value in service.items() if key != "depends_on"},
            **_links(service, services, there),
        }
        for name, service in model["services"].items()
        if name in services
    }
    # if there are more containers than the model's number, Compose would remove some
    crowded = {name: count[name] for name, service in found.items() if count[name] > replicas(service)}
    return scaled({**model, "services": found}, crowded)


def _links(service: Json, services: Collection[str], there: Sequence[Container]) -> Json:
    """The links of a service. A link to a service not in `services` becomes links to its present containers.

    Compose treats a link to a service as a dependency.
    """
    links = service.get("links") or ()
    split = [(str(link), *str(link).partition(":")[::2]) for link in links]
    found = [
        f"{one.name}:{alias or other}"
        for _, other, alias in split
        if other not in services
        for one in there
        if one.service == other
    ]
    if not found:
        return {}
    return {
        "links": [link for link, other, _ in split if other in services],
        "external_links": [*(service.get("external_links") or ()), *found],
    }
