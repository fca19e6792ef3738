"""The role of each service, by rules from the Compose model, with the reason. Pure.

The first rule that fits counts: what a service is comes before what it mounts. A `role` in the file's
`x-hitless` overrides all rules.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from hitless.domain.application import mounts
from hitless.domain.application.model import Role
from hitless.domain.application.replicas import replicas
from hitless.domain.application.stores import (
    is_called_like_a_store,
    is_monitor,
    is_related,
    is_traefik,
    stateful,
    words_of,
    written_together,
)
from hitless.domain.common.foreign import Json

ENDED = "service_completed_successfully"
_CLOCKS = """
    beat celerybeat clock clockwork cron crond crons ofelia rqscheduler schedule scheduler supercronic bot
"""
_CLOCKWORK = frozenset(_CLOCKS.split())
# Celery's worker with a scheduler inside (celery worker --help)
_BEAT = frozenset({"-B", "--beat"})
_SETUPS = """
    bootstrap configurator createbuckets init initialize migrate migration migrations seed seeder setup
"""
_SETUP = frozenset(_SETUPS.split())
# how one service says where it finds another: `http://api`, `api:8000`
_ADDRESS = r"(?<![\w.-])(?:{0}:\d+|https?://{0}(?![\w.-]))"


@dataclass(frozen=True)
class Assignment:
    """The role of a service, and the reason: the end of the sentence "it has this role because …".

    `doubt` says why the role is only a guess; "" if it is not. `exclusive` says why it looks like one that
    must not run twice at the same time; "" if it does not.
    """

    role: Role
    reason: str
    doubt: str = ""
    exclusive: str = ""


def assign(
    model: Json, routed: Collection[str], said: Mapping[str, Role], allowed: Collection[str] = ()
) -> dict[str, Assignment]:
    """The role of every service. `routed` are those with a route, `said` the roles that the file names.

    `allowed` are the sources of mounts to which two copies may write, by what the file says.
    """
    services: Mapping[str, Json] = model.get("services") or {}
    webs = _webs(services, routed, said)
    assignments = {
        name: Assignment(said[name], "x-hitless says so")
        if name in said
        else _assigned(name, services, routed, webs)
        for name in services
    }
    _join_workers(services, assignments, {*said, *routed})
    jobs = [name for name, assignment in assignments.items() if assignment.role is Role.JOB]
    for name, assignment in assignments.items():
        waiting = sorted(_waiting_for_the_end_of(name, services))
        if assignment.role is Role.JOB and name not in said and _shared(waiting, assignments):
            # it works for a service that runs once: for example, it prepares a database's volume
            assignments[name] = Assignment(Role.SHARED, f"the shared {_wait_for_its_end(waiting)}")
        if assignment.role is Role.WORKER and (word := _clockwork(name, services[name])):
            assignments[name] = replace(assignment, exclusive=f"it is a {word} by its name or command")
        if assignment.role is Role.WEB and (data := _alone_in(name, services, {*jobs}, allowed)):
            assignments[name] = replace(assignment, exclusive=f"it alone writes to {data}")
        elif assignment.role is Role.WEB and (product := _alone_in_memory(services[name])):
            assignments[name] = replace(assignment, exclusive=f"{product} has open documents in memory")
    return assignments


def _alone_in(
    name: str, services: Mapping[str, Json], jobs: Collection[str], allowed: Collection[str]
) -> str:
    """Where the one copy of a service keeps data that no other service writes; "" for nowhere.

    A job writes when the old copy has stopped, and before the new one starts.
    """
    if replicas(services[name]) != 1:
        return ""
    running = {other: service for other, service in services.items() if other not in jobs}
    shared = {*allowed, *_written_by_others(name, running)}
    return next((source for source in mounts.data(services[name]) if source not in shared), "")


def _alone_in_memory(service: Json) -> str:
    """The product whose one copy has in memory what people write; "" for none."""
    return written_together(service) if replicas(service) == 1 else ""


def _webs(services: Mapping[str, Json], routed: Collection[str], said: Mapping[str, Role]) -> list[str]:
    """The services of the release that have a route. Stores and monitors beside them run once."""
    found = [name for name in services if name in routed and not is_traefik(_image(services[name]))]
    own = [name for name in found if not stateful(services[name]) and not is_monitor(services[name])]
    if own:
        # a product of others with data of its own, beside an application that is built here, is no part of it
        is_built_here = any("build" in services[name] for name in own)
        found = [
            name
            for name in own
            if not (is_built_here and "build" not in services[name] and mounts.data(services[name]))
        ]
    else:
        found = [name for name in found if not stateful(services[name])]
    return [name for name in services if said.get(name, Role.WEB if name in found else None) is Role.WEB]


def _join_workers(
    services: Mapping[str, Json], assignments: dict[str, Assignment], settled: Collection[str]
) -> None:
    """Make workers of the services with a worker's image, except `settled` ones: one release has them all."""
    images = {
        services[name].get("image"): name
        for name, assignment in assignments.items()
        if assignment.role is Role.WORKER
    }
    for name, assignment in assignments.items():
        worker = images.get(services[name].get("image") or "")
        if worker and assignment.role is Role.SHARED and name not in settled and not stateful(services[name]):
            assignments[name] = Assignment(Role.WORKER, _the_code_of(worker))


def _the_code_of(name: str) -> str:
    return f"it has the code of {name}, and no route"


def _wait_for_its_end(names: list[str]) -> str:
    listed = ", ".join(names[:-1]) + " and " + names[-1] if names[1:] else names[0]
    return f"{listed} {'wait' if names[1:] else 'waits'} for its end"


def _shared(names: Collection[str], assignments: Mapping[str, Assignment]) -> bool:
    return any(assignments[name].role is Role.SHARED for name in names)


def _assigned(
    name: str, services: Mapping[str, Json], routed: Collection[str], webs: list[str]
) -> Assignment:
    service = services[name]
    product = stateful(service)
    if is_traefik(_image(service)):
        return Assignment(Role.GATEWAY, "it is a Traefik: left out, as hitless's gateway takes its place")
    if name in webs:
        return Assignment(Role.WEB, "it has a route")
    if name in routed and product:
        return Assignment(Role.SHARED, f"{product} keeps data, and must run once; its route stays")
    if name in routed:
        return Assignment(Role.SHARED, "it is not of this application, and keeps data; its route stays")
    waiting = sorted(_waiting_for_the_end_of(name, services))
    if waiting and ends(service):
        return Assignment(Role.JOB, _wait_for_its_end(waiting))
    if not product and _is_setup(name, services, webs):
        return Assignment(Role.JOB, "it prepares something and ends, by its name and restart policy")
    for web in webs:
        if _is_same(service, services[web]):
            return Assignment(Role.WORKER, _the_code_of(web))
    if product:
        return Assignment(Role.SHARED, f"{product} keeps data, and must run once")
    data = mounts.data(service)
    if own := [source for source in data if source not in _written_by_others(name, services)]:
        return _with_data(name, services, webs, own[0])
    if "build" in service and is_called_like_a_store(name):
        doubt = "it is built here, but has the name of a database"
        return Assignment(Role.SHARED, "by its name it keeps data, and must run once", doubt)
    if "build" in service:
        return Assignment(Role.WORKER, "it is built with the release, and has no route")
    for web in webs:
        if is_related(_image(service), _image(services[web])):
            reason = f"its image comes from the same place as the image of {web}"
            if ends(service) and not ends(services[web]) and name not in _needed(web, services):
                # a tool that somebody starts: a deployment would start it again
                return Assignment(Role.SHARED, reason, f"unlike {web}, Docker does not start it again")
            return Assignment(Role.WORKER, reason)
    for web in webs:
        if name in _needed(web, services) and not _is_bound(service):
            return Assignment(Role.WORKER, f"{web} needs it, and it keeps no data")
    foreign = "its image is not of this application, and it has no route"
    for web in webs:
        if name in _needed(web, services) and data and not _ports(service):
            return Assignment(Role.SHARED, foreign, f"{web} needs it, and it may write to what it mounts")
    return Assignment(Role.SHARED, foreign)


def _with_data(name: str, services: Mapping[str, Json], webs: list[str], volume: str) -> Assignment:
    """The role of a service that alone writes data to a volume."""
    service = services[name]
    reason = f"it keeps data in the volume {volume}, and has no route"
    if "build" in service and not is_called_like_a_store(name):
        return Assignment(Role.SHARED, reason, "it is built here, and may belong to the release")
    for web in webs:
        if is_related(_image(service), _image(services[web])):
            doubt = f"its image comes from the same place as the image of {web}"
            return Assignment(Role.SHARED, reason, doubt)
    return Assignment(Role.SHARED, reason)


def _is_setup(name: str, services: Mapping[str, Json], webs: list[str]) -> bool:
    """Whether a service prepares something, and needs nothing that starts with the release."""
    service = services[name]
    command = [*(service.get("entrypoint") or ()), *(service.get("command") or ())]
    words = {*words_of(name.lower())}
    if "restart" in service:  # what only its command says needs a policy that fits
        words |= {*words_of(str(next(iter(command[-1:]), "")).lower())}
    waits = {other for other in depends_on(service) if other in webs or "build" in services.get(other, {})}
    return bool(words & _SETUP) and ends(service) and not waits


def _clockwork(name: str, service: Json) -> str:
    """The word that makes a service look like a scheduler, or a bot; "" if there is none."""
    command = [*map(str, service.get("entrypoint") or ()), *map(str, service.get("command") or ())]
    if _BEAT.intersection(command):
        return "beat"
    words = words_of(" ".join([name, *command]).lower())
    return next((word for word in words if word in _CLOCKWORK), "")


def _image(service: Json) -> str:
    return str(service.get("image") or "")


def _waiting_for_the_end_of(name: str, services: Mapping[str, Json]) -> Iterator[str]:
    for other, service in services.items():
        if other != name and condition(service, name) == ENDED:
            yield other


def ends(service: Json) -> bool:
    """Whether a service may end: Docker does not restart it forever."""
    return str(service.get("restart") or "no").partition(":")[0] in ("no", "on-failure")


def _needed(web: str, services: Mapping[str, Json]) -> set[str]:
    """The services that a web service depends on or sends requests to, also through others; no databases."""
    found: set[str] = set()
    waiting = [web]
    while waiting:
        one = waiting.pop()
        for name in (*depends_on(services[one]), *_addressed(services[one], services)):
            if name in services and name not in found and not stateful(services[name]):
                found.add(name)
                waiting.append(name)
    return found


def _addressed(service: Json, services: Collection[str]) -> Iterator[str]:
    """The services whose addresses are in a service's environment or command."""
    command = [*(service.get("entrypoint") or ()), *(service.get("command") or ())]
    values = (service.get("environment") or {}).values()
    text = " ".join(str(one) for one in (*values, *command) if one is not None)
    for name in services:
        if re.search(_ADDRESS.format(re.escape(name)), text):
            yield name


def _is_bound(service: Json) -> bool:
    """Whether two copies can't share something of this service: a port of the host, a place to write to."""
    return bool(
        mounts.data(service) or _ports(service) or service.get("network_mode") or service.get("privileged")
    )


def _written_by_others(name: str, services: Mapping[str, Json]) -> set[str]:
    return {
        str(mount["source"])
        for other, service in services.items()
        if other != name
        for mount in mounts.writable(service)
    }


def _ports(service: Json) -> bool:
    return any(port.get("published") for port in service.get("ports") or ())


def depends_on(service: Json) -> tuple[str, ...]:
    """The services that this one waits for."""
    return tuple(service.get("depends_on") or ())


def condition(service: Json, other: str) -> str:
    """The condition of the other service that this one waits for; "" if it does not wait for it."""
    wanted = service.get("depends_on") or {}
    return str((wanted[other] or {}).get("condition") or "service_started") if other in wanted else ""


def _is_same(service: Json, web: Json) -> bool:
    """Whether both run the same code: one image, or one build."""
    if service.get("image") and service.get("image") == web.get("image"):
        return True
    return "build" in service and _built_from(service) == _built_from(web)


def _built_from(service: Json) -> tuple[object, ...] | None:
    build = service.get("build")
    if not isinstance(build, Mapping):
        return None
    # with another target or argument it is another image, but from the same source
    return (build.get("context"), build.get("dockerfile"), build.get("dockerfile_inline"))
