"""The steps that start more containers of what is live, or take some away. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from hitless.domain.application.read import replicas
from hitless.domain.common.foreign import Json
from hitless.domain.common.names import Colour
from hitless.domain.gateway.model import Gateway
from hitless.domain.host.world import World
from hitless.domain.plan import callers
from hitless.domain.plan import shared as shared_steps
from hitless.domain.plan.model import Action, in_phase
from hitless.domain.plan.phases import Phase
from hitless.domain.plan.steps import AddReplicas, Create, Drain, Gate, Remove, Restore, Start, Step, Withdraw
from hitless.domain.release import compose_models, compose_networks, requirements, restart
from hitless.domain.release import connections as connecting
from hitless.domain.release import replicas as replica_names
from hitless.domain.release.colour_routing import colour_routing
from hitless.domain.release.model import Release
from hitless.domain.release.prepared import Prepared
from hitless.domain.routing.split import Routing, without


def grow(
    application: Prepared, release: Release, routing: Routing, world: World, gateway: Gateway
) -> tuple[tuple[Action, ...], Routing]:
    """The steps that bring the live colour the containers that it lacks, and the routing then."""
    colour = routing.live
    if colour is None:
        return (), routing
    name = application.name
    wanted = replica_names.replicas(application, colour)
    there = {one.name for one in world.of(colour) if one.is_running}
    lacking = {
        service: tuple(name for name in names if name not in there) for service, names in wanted.items()
    }
    lacking = {service: names for service, names in lacking.items() if names}
    if not lacking:
        return (), routing
    new = tuple(name for names in lacking.values() for name in names)
    served = {server.host for server in routing.colours[colour].servers}
    serving = {
        service: tuple(dict.fromkeys((*names, *_of(world, colour, service, served))))
        for service, names in wanted.items()
    }
    part = colour_routing(application, release.number, serving)
    after = routing.next(routing.split, {**routing.colours, colour: part})
    proofs = requirements.of_containers(application, release.images, lacking)
    policies = restart.only(restart.restart_policies(application, colour), lacking)
    bare = replace(application, hooks=())
    connections = connecting.connections(bare, release, colour, gateway)
    model = _model(compose_models.colour_model(bare, release, colour, gateway, colour, True), lacking)
    create = Create(
        application=name,
        colour=colour,
        release=release.number,
        model=model,
        volumes=compose_models.own_volumes(application.model),
        networks=compose_networks.colour_networks(model, application, gateway),
        connect={
            network: tuple(one for one in names if one in new) for network, names in connections.items()
        },
        beside=new,
    )
    start = Start(name, colour, model, lacking, requirements.longest_timeout(application))
    restored = (Restore(name, routing), Drain(name, colour, application.settings.drain_timeout, new))
    actions = (
        *in_phase(Phase.START, shared_steps.connect_shared(application, world)),
        Action(create, Phase.START, undo=(Remove(name, colour, new),)),
        *in_phase(Phase.START, [start]),
        *in_phase(Phase.GATE, [Gate(name, colour, proofs)]),
        Action(AddReplicas(routing, after, proofs, policies, new), Phase.CUT_OVER, undo=restored),
        *in_phase(Phase.BAKE, callers.attach(application, colour, release.promoted, gateway)),
    )
    return actions, after


def shrink(
    application: Prepared, routing: Routing, world: World, drain_timeout: float
) -> tuple[list[Step], Routing]:
    """The steps that take away the live colour's containers that are too many, and the routing then."""
    colour = routing.live
    if colour is None:
        return [], routing
    name = application.name
    wanted = replica_names.replicas(application, colour)
    names = {name for found in wanted.values() for name in found}
    surplus = tuple(
        sorted(one.name for one in world.of(colour) if one.service in wanted and one.name not in names)
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


def _of(world: World, colour: Colour, service: str, served: set[str]) -> tuple[str, ...]:
    return tuple(one.name for one in world.of(colour) if one.service == service and one.name in served)


def _model(model: Json, services: Mapping[str, object]) -> Json:
    """The model of these services alone: Compose would converge the others, and what they wait for, too."""
    return {
        **model,
        "services": {
            name: {
                **{key: value for key, value in service.items() if key != "depends_on"},
                **_links(model, service, services),
            }
            for name, service in model["services"].items()
            if name in services
        },
    }


def _links(model: Json, service: Json, services: Mapping[str, object]) -> Json:
    """Its links, those to other services than these as links to the containers that are there.

    Compose takes a link to a service for a dependency.
    """
    links = service.get("links") or ()
    split = [(str(link), *str(link).partition(":")[::2]) for link in links]
    found = [
        f"{model['name']}-{other}-{number}:{alias or other}"
        for _, other, alias in split
        if other not in services
        for number in range(1, replicas(model["services"][other]) + 1)
    ]
    if not found:
        return {}
    return {
        "links": [link for link, other, _ in split if other in services],
        "external_links": [*(service.get("external_links") or ()), *found],
    }
