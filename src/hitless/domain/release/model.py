"""A release: one deployed state of an application, with its images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hitless.domain.common.foreign import Json


@dataclass(frozen=True)
class Image:
    """An image on the Docker host: `id` with its digest, exposed TCP ports, whether it has a HEALTHCHECK.

    `volumes` are the paths that it declares as volumes. A path where the file mounts nothing becomes an
    anonymous volume.
    """

    id: str
    ports: tuple[int, ...]
    healthcheck: bool
    volumes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Release:
    """One deployed state of an application. It is kept, so that a rollback can bring it back.

    `created` is an ISO time in UTC, `revision` the source revision or "". `images` maps service -> image.
    `model` is the resolved Compose model (it has environment values: never print it). `promoted` is 0 for a
    release that never was live. For others it is the number of its latest cutover, counted for the
    application: it shows which release was live after which.
    """

    number: int
    created: str
    revision: str
    images: Mapping[str, Image]
    model: Json
    promoted: int = 0
