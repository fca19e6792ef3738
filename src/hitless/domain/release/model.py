"""A release: one deployed state of an application, with its images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hitless.domain.common.foreign import Json


@dataclass(frozen=True)
class Image:
    """An image on the Docker host: `id` with its digest, exposed TCP ports, whether it has a HEALTHCHECK.

    `volumes` are the paths that it declares as volumes: anonymous ones, where the file mounts nothing there.
    """

    id: str
    ports: tuple[int, ...]
    healthcheck: bool
    volumes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Release:
    """One deployed state of an application, kept so that it can be brought back.

    `created` is an ISO time in UTC, `revision` the source revision or "", `images` maps service -> image,
    `model` is the resolved Compose model (it holds environment values: never print it). `promoted` is 0
    for a release that never was live, else the number of its latest cutover among the application's: what
    was live before what.
    """

    number: int
    created: str
    revision: str
    images: Mapping[str, Image]
    model: Json
    promoted: int = 0
