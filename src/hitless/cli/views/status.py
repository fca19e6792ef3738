"""The types of the documents that `hitless status`, `gateway status` and `shared status` print."""

from __future__ import annotations

from typing import Annotated, Literal, TypedDict

from hitless.domain.common.events import StepJson
from hitless.domain.common.foreign import Json
from hitless.domain.common.names import Colour
from hitless.domain.gateway.settings import GatewaySettings


class LiveDocument(TypedDict):
    """The release that gets every new request, and its colour."""

    colour: Colour
    release: int


class CommandDocument(TypedDict):
    """The command that works on the application, or the last one if it was interrupted.

    A command that has written nothing yet has "", 0 and null. `seconds_since` is since its last sign of life.
    """

    operation: str
    release: int
    step: StepJson | str | None
    began: str
    by: str
    is_under_way: bool
    seconds_since: float


class ContainerDocument(TypedDict):
    """A container. `colour` and `release` are "" for a shared service; `health` is "-" without a check."""

    colour: Colour | Literal[""]
    release: int | Literal[""]
    service: str
    container: str
    state: str
    health: str


class ReleaseDocument(TypedDict):
    """A kept release. `promoted` is 0 if it never was live, else the number of its latest cutover.

    `images` maps service to image id.
    """

    number: int
    created: str
    revision: str
    promoted: int
    images: dict[str, str]


class StatusDocument(TypedDict):
    """One application: what is live, where, its containers, its kept releases, the latest first."""

    application: str
    live: LiveDocument | None
    addresses: list[str]
    deployment: CommandDocument | None
    problems: list[str]
    containers: list[ContainerDocument]
    releases: list[ReleaseDocument]


class RoutedDocument(TypedDict):
    """An application on the gateway."""

    application: str
    live: LiveDocument | None
    addresses: list[str]


class GatewayDocument(TypedDict):
    """The gateway. `newer_image` is hitless's own image if the gateway has an older one of those, else "".

    `settings` is null without a gateway. `broken` maps each damaged file to what is wrong with it.
    """

    running: bool
    settings: Annotated[Json, GatewaySettings] | None
    newer_image: str
    broken: dict[str, str]


class GatewayStatusDocument(TypedDict):
    """The gateway, and every application on it."""

    gateway: GatewayDocument
    applications: list[RoutedDocument]


class SharedDocument(TypedDict):
    """A shared service. `container` is "" and `state` is `missing` if it has no container.

    `changes` says what is new in the file since it was started, "" for nothing; `cost` says what it costs to
    recreate it.
    """

    service: str
    reason: str
    container: str
    state: str
    health: str
    changes: str
    cost: str


class SharedStatusDocument(TypedDict):
    """The shared services of an application."""

    application: str
    shared: list[SharedDocument]
