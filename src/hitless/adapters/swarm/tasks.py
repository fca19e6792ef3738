"""The containers of an application on a Swarm: the slots of its services, each with its task."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from hitless.adapters.docker.cli import AT_ONCE, DockerCli
from hitless.adapters.swarm.queries import services, tasks
from hitless.domain.common.errors import DockerFailed, HitlessError, TimedOut
from hitless.domain.common.foreign import Json
from hitless.domain.common.names import (
    LABEL_APPLICATION,
    LABEL_COLOUR,
    LABEL_GATEWAY,
    LABEL_RELEASE,
    LABEL_REPLICAS,
    Colour,
    colour_project,
)
from hitless.domain.host.container_facts import HealthCheck, Listener
from hitless.domain.host.logs import MOST_LINES
from hitless.domain.host.world import ComposeContainer, Container, Neighbour, Replica
from hitless.domain.proof.observations import Ending

# A task's states as `docker service ps` has them. It runs when it is healthy, and starts before.
_BEFORE = ("new", "pending", "assigned", "accepted", "preparing", "ready")
_ENDED = ("complete", "failed", "rejected", "shutdown", "remove", "orphaned")
_FAILED = ("failed", "rejected")
_NEVER_RAN = 127  # the exit code that is told of a task whose container never ran
_STOP_TIMEOUT = 900.0  # the longest grace period that a stop waits for
_PAUSE = 0.1
_READING = 5.0  # seconds for a log


@dataclass(frozen=True)
class SwarmContainers:
    """The slots of the services behind the gateway of this name. `manager` is the Swarm's.

    A slot has the name that its task's container answers to, and an id that no other deployment's slot has:
    that of its service with its number. It keeps both where Swarm replaces its task.
    """

    manager: DockerCli
    gateway: str

    def of(self, application: str | None) -> tuple[Container, ...]:
        """All slots of the application's colours; None: of all on this gateway."""
        labels = [LABEL_APPLICATION, f"{LABEL_GATEWAY}={self.gateway}"]
        if application is not None:
            labels = [f"{LABEL_APPLICATION}={application}"]
        return self._found(labels)

    def named(self, containers: Sequence[str]) -> tuple[Container, ...]:
        """Those of these slots, by name or id, that exist."""
        there = self._found([LABEL_APPLICATION])
        return tuple(one for one in there if one.name in containers or one.id in containers)

    def replicas(self, application: str, colour: Colour) -> tuple[Replica, ...]:
        """The slots of a colour, with a task or without."""
        return tuple(
            Replica(one.id, one.name, one.service, one.number)
            for one in self._found(self._labels(application, colour), with_tasks=False)
        )

    def composed(self, application: str) -> tuple[ComposeContainer, ...]:
        """None: on a Swarm hitless makes all of an application's services itself."""
        return ()

    def neighbours(self, stopped: bool = False) -> tuple[Neighbour, ...]:
        """None: who publishes a port on a node, the node's engine alone knows."""
        return ()

    def set_restart_policies(self, policies: Mapping[str, str]) -> None:
        """Do nothing: a service has its policy from the start, and another one would replace its tasks."""

    def stop(self, containers: Sequence[str]) -> None:
        """Stop all slots of these services, each with its own grace period, and wait for their end."""
        wanted = {_service(one) for one in containers}
        there = [one.id for one in self.of(None) if _service(one.id) in wanted]
        if left := sorted({*there} - {*containers}):
            raise HitlessError(
                f"on a Swarm all containers of a service stop, and {len(left)} of them are to stay",
                "deploy again with the number that it is to have (--scale)",
            )
        self._scale(dict.fromkeys(wanted, 0))
        deadline = time.monotonic() + _STOP_TIMEOUT
        while running := [one for one in tasks(self.manager, [*wanted]) if not has_ended(one)]:
            if time.monotonic() > deadline:
                raise TimedOut(
                    f"{len(running)} tasks did not stop within {_STOP_TIMEOUT:.0f} s",
                    "does their node answer? see docker node ls",
                )
            time.sleep(_PAUSE)

    def start_again(self, containers: Sequence[str]) -> None:
        """Start all slots of these services."""
        self.fill({_service(one) for one in containers})

    def fill(self, ids: Collection[str]) -> None:
        """Have Swarm run a task in each slot of these services (ids)."""
        there = services(self.manager, LABEL_APPLICATION)
        self._scale({one["ID"]: wanted_replicas(one) for one in there if one["ID"] in ids})

    def logs(self, container: str, lines: int) -> str:
        """The last lines of the log of the slot's latest task; "" if there is none."""
        return self._log(container, "--tail", str(lines))

    def last_lines(self, containers: Sequence[str]) -> dict[str, str]:
        """What the latest task of each has written last, each line with its time."""
        return self._logs({one: ("--timestamps", "--tail", str(MOST_LINES)) for one in containers})

    def new_lines(self, since: Mapping[str, str], lines: int) -> dict[str, str]:
        """The last lines that these wrote, each with its time."""
        return self._logs(
            {
                one: ("--timestamps", "--tail", str(lines), *(("--since", first) if first else ()))
                for one, first in since.items()
            }
        )

    def last_check(self, container: str) -> HealthCheck | None:
        """None: a manager tells how a task is, and not what its check printed."""
        return None

    def passes_check(self, container: str, timeout: float) -> bool:
        """Raise `TimedOut`: Swarm has no exec, so the node's engine alone runs the check."""
        raise TimedOut(f"the health check of {container} is its node's to run")

    def listening(self, container: str) -> tuple[Listener, ...] | None:
        """None: nobody can tell."""
        return None

    def endings(self, application: str, seconds: float, now: float) -> tuple[Ending, ...]:
        """None: a manager keeps no events of containers."""
        return ()

    def _labels(self, application: str, colour: Colour) -> list[str]:
        return [
            f"{LABEL_APPLICATION}={application}",
            f"{LABEL_COLOUR}={colour}",
            f"{LABEL_GATEWAY}={self.gateway}",
        ]

    def _found(self, labels: Sequence[str], with_tasks: bool = True) -> tuple[Container, ...]:
        there = [one for one in services(self.manager, *labels) if is_ours(one)]
        found = tasks(self.manager, [one["ID"] for one in there]) if with_tasks else ()
        return tuple(
            slot
            for one in there
            for slot in _slots(one, [task for task in found if task["ServiceID"] == one["ID"]])
        )

    def _scale(self, numbers: Mapping[str, int]) -> None:
        if numbers:
            words = (f"{service}={number}" for service, number in sorted(numbers.items()))
            self.manager.change("service", "scale", "--detach", *words)

    def _logs(self, wanted: Mapping[str, Sequence[str]]) -> dict[str, str]:
        with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
            found = pool.map(lambda one: self._log(one, *wanted[one]), wanted)
            return dict(zip(wanted, found, strict=True))

    def _log(self, container: str, *words: str) -> str:
        task = self._latest(container)
        if task is None:
            return ""
        asked = ("service", "logs", "--raw", "--no-task-ids", *words, str(task["ID"]))
        try:
            output, said = self.manager.run_bytes(*asked, timeout=_READING, inherits=False)
        except (DockerFailed, TimedOut):  # its node has gone, or the task with its log
            return ""
        return (output.decode(errors="replace") + said).strip()

    def _latest(self, container: str) -> Json | None:
        [*found] = self.named((container,))
        if not found:
            return None
        there = tasks(self.manager, (_service(found[0].id),))
        of_slot = [one for one in there if one.get("Slot") == found[0].number]
        return max(of_slot, key=_age, default=None)


def is_ours(service: Json) -> bool:
    """Whether a service belongs to a release; a gateway has no colour."""
    labels = service["Spec"].get("Labels") or {}
    return all(labels.get(key) for key in (LABEL_COLOUR, LABEL_RELEASE, LABEL_REPLICAS))


def has_ended(task: Json) -> bool:
    """Whether nothing of a task runs any more, as far as its manager knows."""
    return task["Status"]["State"] in _ENDED


def wanted_replicas(service: Json) -> int:
    """How many tasks a service has when it is started."""
    return int(service["Spec"]["Labels"][LABEL_REPLICAS])


def short_name(service: Json) -> str:
    """The name that the Compose file gives a service."""
    labels = service["Spec"]["Labels"]
    stack = colour_project(labels[LABEL_APPLICATION], Colour(labels[LABEL_COLOUR]))
    return str(service["Spec"]["Name"]).removeprefix(f"{stack}_")


def _service(container: str) -> str:
    """The id of the service of a slot's id."""
    return container.rpartition(".")[0]


def _age(task: Json) -> tuple[str, int]:
    return str(task["CreatedAt"]), int(task["Version"]["Index"])


def _slots(service: Json, found: Iterable[Json]) -> Iterator[Container]:
    by_slot: dict[int, list[Json]] = {}
    for task in found:
        by_slot.setdefault(int(task.get("Slot") or 0), []).append(task)
    for number in range(1, wanted_replicas(service) + 1):
        yield _container(service, number, sorted(by_slot.get(number, ()), key=_age))


def _container(service: Json, number: int, found: Sequence[Json]) -> Container:
    labels = service["Spec"]["Labels"]
    application, colour = labels[LABEL_APPLICATION], Colour(labels[LABEL_COLOUR])
    name = short_name(service)
    latest = found[-1] if found else None
    state, health, code = _state(latest)
    return Container(
        id=f"{service['ID']}.{number}",
        name=f"{colour_project(application, colour)}-{name}-{number}",
        gateway=labels.get(LABEL_GATEWAY, ""),
        application=application,
        service=name,
        colour=colour,
        release=int(labels[LABEL_RELEASE]),
        state=state,
        health=health,
        restarts=sum(one["Status"]["State"] in _FAILED for one in found[:-1]),
        exit_code=code,
        addresses=tuple(_addresses(latest)) if latest else (),
        number=number,
    )


def _state(task: Json | None) -> tuple[str, str, int]:
    """State, health and exit code, in the words of a container. A task without a check runs at once."""
    if task is None:
        return "created", "", 0
    status = task["Status"]
    code = int((status.get("ContainerStatus") or {}).get("ExitCode") or 0)
    match status["State"]:
        case "running":
            return "running", "healthy", 0
        case "starting":
            return "running", "starting", 0
        case state if state in _BEFORE:
            return "created", "", 0
        case state if state in _FAILED:
            return "exited", "", code or _NEVER_RAN
        case _:
            return "exited", "", code


def _addresses(task: Json) -> Iterator[str]:
    for attachment in task.get("NetworksAttachments") or ():
        for address in attachment.get("Addresses") or ():
            yield str(address).partition("/")[0]
