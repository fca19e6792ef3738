"""What Docker says about containers and images, decoded once: inspected JSON, and rows of `docker ps`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from hitless.domain.common.foreign import Json
from hitless.domain.common.names import COMPOSE_PROJECT as PROJECT
from hitless.domain.common.names import (
    LABEL_APPLICATION,
    LABEL_COLOUR,
    LABEL_GATEWAY,
    LABEL_NUMBER,
    LABEL_RELEASE,
    LABEL_SERVICE,
    Colour,
)
from hitless.domain.host.container_facts import HealthCheck
from hitless.domain.host.world import ComposeContainer, Container, Neighbour, Port
from hitless.domain.release.model import Image

DEPENDS_ON = "com.docker.compose.depends_on"
# `docker ps` has health and exit code only in words: Up 2 hours (healthy), Exited (0) 3 seconds ago
_HEALTH = re.compile(r"\((?:health: )?(starting|healthy|unhealthy)\)")
# the rule of a route in the labels of Traefik 2 and 3, or 1
_RULE = re.compile(
    r"traefik\.(?:(?:http|tcp)\.routers\.[^.]+\.rule|(?:[^.]+\.)?frontend\.rule)", re.IGNORECASE
)
_EXIT_CODE = re.compile(r"Exited \((\d+)\)")


def composed(row: Sequence[str]) -> ComposeContainer | None:
    """A row of `docker ps`; None for a release's or a gateway's container, or one of `docker compose run`."""
    (
        project,
        service,
        digest,
        application,
        gateway,
        one_off,
        files,
        waits_for,
        id_,
        name,
        state,
        status,
        image,
        networks,
    ) = row
    # a gateway with the application's name is no part of it
    if application or gateway or one_off == "True":
        return None
    health, exit_code = _HEALTH.search(status), _EXIT_CODE.match(status)
    return ComposeContainer(
        project=project,
        service=service,
        name=name,
        state=state,
        health=health[1] if health else "",
        exit_code=int(exit_code[1]) if exit_code else 0,
        digest=digest,
        image=image,
        is_ours=files == "-",  # from standard input: so hitless gives a model to Compose
        id=id_,
        depends_on=_depends_on(waits_for),
        networks=tuple(networks.split(",")) if networks else (),
    )


def is_ours(found: Json) -> bool:
    """Whether an inspected container has all labels that hitless gives: somebody may have copied one."""
    labels = found["Config"].get("Labels") or {}
    return (
        LABEL_APPLICATION in labels
        and labels.get(LABEL_COLOUR) in tuple(Colour)
        and str(labels.get(LABEL_RELEASE)).isdecimal()
    )


def container(found: Json) -> Container:
    """A container from the answer of `docker inspect`."""
    labels = found["Config"].get("Labels") or {}
    state = found["State"]
    return Container(
        id=found["Id"],
        name=found["Name"].removeprefix("/"),
        gateway=labels.get(LABEL_GATEWAY, ""),
        application=labels[LABEL_APPLICATION],
        service=labels.get(LABEL_SERVICE, ""),
        colour=Colour(labels[LABEL_COLOUR]),
        release=int(labels[LABEL_RELEASE]),
        state=state["Status"],
        health=(state.get("Health") or {}).get("Status", ""),
        restarts=found.get("RestartCount", 0),
        exit_code=state.get("ExitCode", 0),
        addresses=tuple(one for found in _addresses(found).values() for one in found),
        ran_out_of_memory=state.get("OOMKilled", False),
        depends_on=_depends_on(labels.get(DEPENDS_ON, "")),
        number=number(labels.get(LABEL_NUMBER, "")),
    )


def last_check(found: Json) -> HealthCheck | None:
    """How its own health check ended last; None if it has none, or has not ended."""
    log = (found["State"].get("Health") or {}).get("Log") or []
    kind, *words = (found["Config"].get("Healthcheck") or {}).get("Test") or [""]
    if not log:
        return None
    command = " ".join(words) if kind in ("CMD", "CMD-SHELL") else kind
    return HealthCheck(command, int(log[-1].get("ExitCode", 0)), str(log[-1].get("Output", "")))


def check_command(found: Json) -> tuple[str, ...]:
    """What the engine runs in a container as its health check; nothing if it has none."""
    config = found["Config"]
    kind, *words = (config.get("Healthcheck") or {}).get("Test") or [""]
    if kind == "CMD-SHELL":
        return (*(config.get("Shell") or ("/bin/sh", "-c")), *words)
    return tuple(words) if kind == "CMD" else ()


def number(label: str) -> int:
    """The number that Compose gave a container, from its label; 0 where there is none."""
    return int(label) if label.isdecimal() else 0


def neighbour(found: Json) -> Neighbour:
    """A container, whoever created it, from the answer of `docker inspect`."""
    labels = found["Config"].get("Labels") or {}
    published = (found["NetworkSettings"].get("Ports") or {}).items()
    ports = {
        # IPv4 and IPv6 have an entry each
        Port(int(one["HostPort"]), int(inside.partition("/")[0]), _any_address(one.get("HostIp", "")))
        for inside, bound in published
        if inside.endswith("/tcp")
        for one in bound or ()
    }
    return Neighbour(
        name=found["Name"].removeprefix("/"),
        project=labels.get(PROJECT, ""),
        service=labels.get(LABEL_SERVICE, ""),
        image=found["Config"].get("Image", ""),
        ports=tuple(sorted(ports, key=lambda port: (port.host, port.address))),
        addresses=_addresses(found),
        is_labelled=any(label.startswith("traefik.") for label in labels)
        and labels.get("traefik.enable", "true").lower() == "true",
        is_ours=LABEL_GATEWAY in labels,
        id=found["Id"],
        is_running=found["State"]["Status"] == "running",
        rules=tuple(str(text) for key, text in sorted(labels.items()) if _RULE.fullmatch(key)),
    )


def _addresses(found: Json) -> dict[str, tuple[str, ...]]:
    """Network -> the container's addresses there; none if it does not run."""
    networks = found["NetworkSettings"].get("Networks") or {}
    both = ("IPAddress", "GlobalIPv6Address")
    return {
        name: tuple(str(one[key]) for key in both if one.get(key)) for name, one in networks.items() if one
    }


def _depends_on(label: str) -> tuple[str, ...]:
    """The services of Compose's own label: db:service_healthy:true,api:service_started:false."""
    return tuple(one.partition(":")[0] for one in label.split(",") if one)


def _any_address(address: str) -> str:
    return "" if address in ("0.0.0.0", "::") else address  # noqa: S104 - it is read, not bound


def image(found: Json) -> Image:
    """An image from the answer of `docker image inspect`."""
    config = found.get("Config") or {}
    check = (config.get("Healthcheck") or {}).get("Test") or []
    ports = [port.split("/") for port in config.get("ExposedPorts") or {}]
    return Image(
        id=found["Id"],
        ports=tuple(sorted(int(port[0]) for port in ports if port[-1] != "udp")),
        healthcheck=bool(check) and check[0] != "NONE",
        volumes=tuple(sorted(config.get("Volumes") or {})),
    )
