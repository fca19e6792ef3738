"""What a deployment has to care for beside its web services: shared services, jobs, hooks, exclusive workers.

Pure, as the plan that these steps become a part of.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from hitless.domain import project, readiness, roles, spec
from hitless.domain.model import Application, Colour, Json, Release, Role, When
from hitless.domain.networks import COMPOSE_NETWORK, Network
from hitless.domain.steps import Attach, Connect, Detach, HandOver, RunHere, RunOnce, StartShared, Step
from hitless.domain.world import Gateway, World


def start_shared(
    application: Application, world: World, names: Collection[str], recreate: bool = False
) -> tuple[StartShared, ...]:
    """Those of these that do not run, or are not healthy, as one step; none where all is well."""
    ready = {container.service for container in world.base if container.is_ready}
    ended = {container.service for container in world.base if container.has_ended_well}
    waiting = _waited_for_to_end(application)
    wanted = tuple(name for name in names if recreate or name not in (ended if name in waiting else ready))
    if not wanted or world.gateway is None:
        return ()
    return (
        StartShared(
            application=application.name,
            services=wanted,
            model=project.base_model(application, world.gateway),
            volumes=project.own_volumes(application.model),
            networks=project.base_networks(application, world.gateway),
            ends=tuple(name for name in wanted if name in waiting),
            timeout=max(one.settings.timeout for one in application.having(Role.SHARED)),
            recreate=recreate,
            may_end=tuple(name for name in wanted if roles.ends(application.model["services"][name])),
        ),
    )


def connect_shared(application: Application, world: World) -> tuple[Connect, ...]:
    """The step after which shared services that are there are on every network where the release meets them.

    One that plain Compose or an older hitless has started may be on the gateway's network alone, where no
    release looks for it; it is not stopped for that.
    """
    if world.gateway is None:
        return ()
    names = project.shared_names(application, world.gateway)
    wanted: list[Network] = []
    members: dict[str, dict[str, tuple[str, ...]]] = {}
    services: set[str] = set()
    for network in project.base_networks(application, world.gateway):
        known = names[network.labels[COMPOSE_NETWORK]]
        lacking = [one for one in world.base if one.service in known and network.name not in one.networks]
        if lacking:
            wanted.append(network)
            members[network.name] = {one.id: known[one.service] for one in lacking}
            services |= {one.service for one in lacking}
    if not wanted:
        return ()
    return (Connect(application.name, tuple(sorted(services)), tuple(wanted), members),)


def attach(application: Application, colour: Colour, promoted: int, gateway: Gateway) -> tuple[Attach, ...]:
    """The step after which the shared services that call the release find it in this colour."""
    callers = tuple(sorted(project.callers(application)))
    names = project.live_names(application, colour)
    network = project.live_network(application, colour, promoted, gateway)
    return (Attach(application.name, colour, network, callers, names),) if names else ()


def detach(application: Application, colour: Colour) -> tuple[Detach, ...]:
    """The step after which they find it in the other colour."""
    callers = tuple(sorted(project.callers(application)))
    return (Detach(application.name, colour, callers),) if callers else ()


def attach_again(application: str, world: World) -> tuple[Attach, ...]:
    """The same for what is live, whoever made it so: where that was cut short, or a shared service is new."""
    live = world.live(application)
    kept = world.release(live[1]) if live else None
    return (
        attach(spec.read(kept.model)[0], live[0], promotion(kept, world), world.gateway)
        if live and kept and kept.model and world.gateway
        else ()
    )


def promotion(live: Release, world: World) -> int:
    """The number of the live release's promotion, as it is or, where it was cut short, as it is to be."""
    latest = max((kept.promoted for kept in world.releases), default=0)
    return live.promoted if live.promoted >= max(latest, 1) else latest + 1


def _waited_for_to_end(application: Application) -> set[str]:
    """The services of which another one waits for the end."""
    services = application.model["services"].values()
    return {
        name
        for service in services
        for name in roles.depends_on(service)
        if roles.condition(service, name) == roles.ENDED
    }


def connections(
    application: Application, release: Release, candidate: Colour, gateway: Gateway
) -> dict[str, tuple[str, ...]]:
    """What the candidate's containers are connected to beyond its own networks: network -> containers."""
    containers = project.replicas(application, candidate)
    once = {} if release.promoted else {one.name: one.name for one in application.having(Role.JOB)}
    once.update(
        (project.hook_service(hook), hook.service)
        for hook in project.hooks(application, bool(release.promoted))
        if hook.service
    )
    of_service = {name: list(names) for name, names in containers.items()}
    for name, service in once.items():
        of_service.setdefault(service, []).append(project.runs_once(application, candidate, name))
    found = {
        gateway.network_of(application.name): [
            container
            for service, names in containers.items()
            for container in names
            if application.is_web(service)
        ]
    }
    for network, names in project.connections(application, gateway, of_service).items():
        found.setdefault(network, []).extend(names)
    return {network: tuple(names) for network, names in found.items() if names}


def jobs(application: Application, release: Release, candidate: Colour, model: Json) -> tuple[RunOnce, ...]:
    """The jobs of a release, each after those that it waits for."""
    jobs = {job.name: job for job in application.having(Role.JOB)} if not release.promoted else {}
    order: list[str] = []

    def add(name: str) -> None:
        if name in jobs and name not in order:
            for other in roles.depends_on(application.model["services"][name]):
                add(other)
            order.append(name)

    for name in jobs:
        add(name)
    return tuple(
        RunOnce(
            application=application.name,
            colour=candidate,
            model=model,
            service=name,
            container=project.runs_once(application, candidate, name),
            timeout=jobs[name].settings.timeout,
        )
        for name in order
    )


def hooks(
    application: Application, release: Release, candidate: Colour, live: Colour | None, model: Json
) -> dict[When, list[Step]]:
    """The steps of the hooks of a deployment, by the point at which they run."""
    found: dict[When, list[Step]] = {when: [] for when in When}
    told = project.environment(application, release, candidate, live)
    for hook in project.hooks(application, bool(release.promoted)):
        name = project.hook_service(hook)
        found[hook.when].append(
            RunOnce(
                application=application.name,
                colour=candidate,
                model=model,
                service=name,
                container=project.runs_once(application, candidate, name),
                timeout=hook.timeout,
                when=hook.when,
            )
            if hook.service
            else RunHere(
                when=hook.when,
                name=hook.name,
                # in a Compose model a literal $ is written $$
                command=tuple(word.replace("$$", "$") for word in hook.command),
                environment={**told, "HITLESS_HOOK": str(hook.when)},
                timeout=hook.timeout,
            )
        )
    return found


def hand_over(
    application: Application, release: Release, colour: Colour, leaving: tuple[str, ...], model: Json
) -> tuple[HandOver, ...]:
    """The step after which what must not run twice runs for this colour; none where nothing is such.

    `leaving` are the containers that it must not run beside.
    """
    containers = project.exclusive(application, colour)
    if not containers and not leaving:
        return ()
    return (
        HandOver(
            application=application.name,
            colour=colour,
            leaving=leaving,
            model=model,
            containers=containers,
            readiness=readiness.of_containers(application, release.images, containers),
            restart=only(project.restart_policies(application, colour), containers),
            timeout=longest_timeout(application),
        ),
    )


def exclusive_there(world: World, colour: Colour) -> tuple[str, ...]:
    """The containers of a colour, as it was found, that must not run twice."""
    return tuple(
        container.name
        for container in world.of(colour)
        if container.name in _exclusive_of(world, container.release, colour)
    )


def _exclusive_of(world: World, number: int, colour: Colour) -> set[str]:
    """The names of a kept release's containers that must not run twice."""
    kept = world.release(number)
    if kept is None or not kept.model:
        return set()
    found = project.exclusive(spec.read(kept.model)[0], colour)
    return {name for names in found.values() for name in names}


def hand_over_again(
    kept: Release, colour: Colour, leaving: tuple[str, ...], world: World
) -> tuple[HandOver, ...]:
    """The same for a release whose containers are there: its model was handed to Compose before."""
    application = spec.read(kept.model)[0]
    if world.gateway is None:
        return ()
    model = project.colour_model(application, kept, colour, world.gateway, is_brought_back=True)
    return hand_over(application, kept, colour, leaving, model)


def unfinished_hand_over(application: str, world: World) -> tuple[HandOver, ...]:
    """A command that was killed after its cutover has left some that must not run twice, and do not run."""
    live = world.live(application)
    kept = world.release(live[1]) if live else None
    if live is None or kept is None or not kept.model:
        return ()
    wanted = _exclusive_of(world, live[1], live[0])
    waiting = [one for one in world.of(live[0]) if one.name in wanted and not one.is_running]
    # one that was stopped by hand stays so, where no other command is to be finished
    if not any(one.state == "created" or world.of(live[0].other) for one in waiting):
        return ()
    return hand_over_again(kept, live[0], exclusive_there(world, live[0].other), world)


def early(application: Application, colour: Colour) -> dict[str, tuple[str, ...]]:
    """A colour's containers that may run beside another colour's: service -> names."""
    late = project.exclusive(application, colour)
    return {name: names for name, names in project.replicas(application, colour).items() if name not in late}


def only(policies: Mapping[str, str], containers: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """The restart policies of these containers."""
    names = {name for found in containers.values() for name in found}
    return {container: policy for container, policy in policies.items() if container in names}


def longest_timeout(application: Application) -> float:
    """The time, in seconds, that the slowest service gets."""
    return max(service.settings.timeout for service in application.services)
