"""What hitless has made on a Docker host and nobody needs any more. Pure.

Data is never among it: a volume with a service's data goes with `hitless down --volumes` alone.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from hitless.domain.common.names import Colour, colour_project
from hitless.domain.routing.split import Routing

# hitless:<application>.r<number>.<service>, as `names.image_reference` makes it
_IMAGE = re.compile(r"hitless:(?P<application>[a-z0-9][a-z0-9_-]*)\.r(?P<number>\d+)\.[^.:/\s][^:/\s]*")
_GATEWAY_IMAGE = re.compile(r"hitless-gateway:[0-9a-f]{12}")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


class LeftoverKind(StrEnum):
    """What a leftover is."""

    IMAGE = "image"
    NETWORK = "network"
    LOGS = "logs"
    PROGRAM = "program"
    INSTANCE = "instance"


@dataclass(frozen=True)
class Leftover:
    """Something of hitless's that nobody needs.

    `size` is how many bytes of the disk it has at most, 0 if it has none or they are not known. `why` says
    why nobody needs it.
    """

    kind: LeftoverKind
    name: str
    why: str
    size: int = 0


@dataclass(frozen=True)
class OwnImage:
    """A name of an image that begins as hitless's own do. `names` are all that the image has."""

    reference: str
    size: int
    names: tuple[str, ...]


@dataclass(frozen=True)
class OwnNetwork:
    """A network that has hitless's label. `gateway` is "" for one of a Compose project."""

    name: str
    application: str
    project: str
    gateway: str


@dataclass(frozen=True)
class AnyContainer:
    """A container of the host, running or not, whoever made it; "" and 0 for labels that it does not have."""

    name: str
    image: str
    networks: tuple[str, ...]
    project: str = ""
    application: str = ""
    release: int = 0


@dataclass(frozen=True)
class Belongings:
    """All that has hitless's names or labels on a Docker host, whichever gateway it is of.

    `others` maps each other gateway, also one that does not run, to the applications that it knows; None: it
    could not be asked. `volumes` maps the name of each volume of an application -> that application. `image`
    is the gateway's own image for this hitless.
    """

    images: tuple[OwnImage, ...] = ()
    networks: tuple[OwnNetwork, ...] = ()
    containers: tuple[AnyContainer, ...] = ()
    volumes: Mapping[str, str] = field(default_factory=dict)
    others: Mapping[str, frozenset[str] | None] = field(default_factory=dict)
    image: str = ""


@dataclass(frozen=True)
class Known:
    """What the gateway itself knows.

    `kept` maps application -> the releases that have a record. `busy` are the applications on which a
    command works, or was interrupted: what is there is for `resume` or `abort`. `idle` are instances of
    Traefik beside the live one. `old_logs` is how many bytes the logs have that are older than they are kept.
    `copies` maps each copy of a program that was cut short -> its size.
    """

    gateway: str
    routings: Mapping[str, Routing] = field(default_factory=dict)
    kept: Mapping[str, frozenset[int]] = field(default_factory=dict)
    busy: Collection[str] = ()
    idle: tuple[int, ...] = ()
    old_logs: int = 0
    copies: Mapping[str, int] = field(default_factory=dict)


def leftovers(there: Belongings, known: Known) -> tuple[Leftover, ...]:
    """Everything that nobody needs, the largest first. What may be another gateway's is not among it."""
    found = [*_instances(known), *_images(there, known), *_networks(there, known)]
    if known.old_logs:
        why = "of containers that were removed more than 30 days ago"
        found.append(Leftover(LeftoverKind.LOGS, "kept logs", why, known.old_logs))
    why = "a copy of Traefik that was cut short"
    found += [Leftover(LeftoverKind.PROGRAM, name, why, size) for name, size in known.copies.items()]
    return tuple(sorted(found, key=lambda one: (-one.size, one.kind, one.name)))


def data_left(there: Belongings, known: Known) -> tuple[str, ...]:
    """The volumes of applications that are gone: they stay, because only their owner knows the data."""
    return tuple(sorted(name for name, owner in there.volumes.items() if _is_gone(owner, there, known)))


def _instances(known: Known) -> Iterator[Leftover]:
    for number in known.idle:
        why = "it runs beside the live Traefik: the command that replaced one was interrupted"
        yield Leftover(LeftoverKind.INSTANCE, f"Traefik {number} of the gateway", why)


def _images(there: Belongings, known: Known) -> Iterator[Leftover]:
    doomed = {one.reference: why for one in there.images if (why := _of_nobody(one.reference, there, known))}
    for one in there.images:
        if one.reference in doomed:
            # another name keeps the bytes; of several names of ours the first one counts them
            ours = [name for name in one.names if name in doomed]
            is_last = len(ours) == len(one.names) and ours[:1] == [one.reference]
            yield Leftover(
                LeftoverKind.IMAGE, one.reference, doomed[one.reference], one.size if is_last else 0
            )


def _of_nobody(reference: str, there: Belongings, known: Known) -> str:
    """Why nobody needs this name of an image; "" if somebody may."""
    if _GATEWAY_IMAGE.fullmatch(reference):
        is_used = reference == there.image or any(one.image == reference for one in there.containers)
        return "" if is_used else "the image of a gateway that an older or newer hitless has made"
    found = _IMAGE.fullmatch(reference)
    if found is None:
        return ""
    application, number = found["application"], int(found["number"])
    if _is_of_others(application, there) or application in known.busy:
        return ""
    routing = known.routings.get(application)
    routed = {part.release for part in routing.colours.values()} if routing else set()
    needed = known.kept.get(application, frozenset()) | routed
    if number in needed or any(
        one.image == reference or (one.application, one.release) == (application, number)
        for one in there.containers
    ):
        return ""
    return f"release {number} of {application} is not kept any more"


def _networks(there: Belongings, known: Known) -> Iterator[Leftover]:
    for one in there.networks:
        name = one.application
        if not _NAME.fullmatch(name) or name in known.busy or _is_of_others(name, there):
            continue
        colours = {colour_project(name, colour): colour for colour in Colour}
        on_it = [each for each in there.containers if one.name in each.networks]
        if one.gateway:
            on_it = [each for each in on_it if each.project != known.gateway]
            if one.gateway == known.gateway and not on_it and _is_gone(name, there, known):
                yield Leftover(LeftoverKind.NETWORK, one.name, f"{name} is gone")
        elif on_it:
            continue
        elif one.project in colours:
            routing = known.routings.get(name)
            is_there = any(each.project == one.project for each in there.containers)
            if not is_there and not (routing and colours[one.project] in routing.colours):
                yield Leftover(LeftoverKind.NETWORK, one.name, f"{colours[one.project]} of {name} is gone")
        elif one.project == name and _is_gone(name, there, known):
            yield Leftover(LeftoverKind.NETWORK, one.name, f"{name} is gone")


def _is_of_others(application: str, there: Belongings) -> bool:
    """Whether another gateway knows the application, or may know it."""
    return any(known is None or application in known for known in there.others.values())


def _is_gone(application: str, there: Belongings, known: Known) -> bool:
    """Whether nothing of the application is left that serves, runs, or could be brought back."""
    projects = {application, *(colour_project(application, colour) for colour in Colour)}
    is_there = any(one.application == application or one.project in projects for one in there.containers)
    is_known = application in known.routings or bool(known.kept.get(application))
    return not (is_there or is_known or application in known.busy or _is_of_others(application, there))
