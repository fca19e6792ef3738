"""Add and remove middlewares of the gateway's own."""

from __future__ import annotations

from contextlib import suppress

from hitless.domain.common.errors import GatewayDown, HitlessError, NotConfirmed
from hitless.domain.host import configs as those
from hitless.domain.routing import gateway_config
from hitless.domain.routing.gateway_config import TRIAL, Config
from hitless.execution import gateway, observe
from hitless.execution.session import Session
from hitless.execution.waits import until_in_force
from hitless.ports import Ports


def add(session: Session, name: str, file: str, content: bytes) -> Config:
    """Have the gateway offer what a file defines, and wait until it does. Nothing changes if it is wrong.

    `file` is the file's name. Raises `Refused` for what is wrong, `Locked`, `NotConfirmed`.
    """
    ports = session.ports
    if ports.balancer.gateway() is None:
        raise GatewayDown(ports.balancer.other_gateways())
    document, findings = ports.configs.read_config(file, content)
    session.refuse(findings, warn=True)
    session.hide(gateway_config.as_labels(document))
    middlewares, findings = gateway_config.read(document)
    session.refuse(findings, warn=True)
    # no deployment is under way: it might need what is replaced, or wait while Traefik refuses a trial
    session.lock_gateway(gateway.undisturbed(session))
    world = observe.world(ports, None)
    before = next((one for one in world.configs if one.name == name), None)
    config = Config(name, before.generation + 1 if before else 1, middlewares)
    session.refuse(those.conflicts(config, world), warn=True)
    session.begin(0)
    _try(ports, config)
    ports.configs.install_config(config)
    try:
        until_in_force(ports, config.place, config.marker, f"the config {config.name}")
    except HitlessError:
        with suppress(HitlessError):
            ports.configs.install_config(before) if before else ports.configs.remove_config(config)
        raise
    return config


def remove(session: Session, name: str) -> None:
    """Have the gateway offer it no more.

    Raises `HitlessError` if there is none of this name, or if an application uses it; `Locked`.
    """
    ports = session.ports
    if ports.balancer.gateway() is None:
        raise GatewayDown(ports.balancer.other_gateways())
    session.lock_gateway(gateway.undisturbed(session))
    world = observe.world(ports, None)
    config = next((one for one in world.configs if one.name == name), None)
    if config is None:
        there = ", ".join(one.name for one in world.configs)
        raise HitlessError(f"there is no config {name}", f"there are: {there or 'none'}")
    if used := those.users(config.middlewares, world):
        raise HitlessError(
            f"applications need what the config {name} has: {those.told(used)}",
            "deploy them without these middlewares first",
        )
    session.begin(0)
    ports.configs.end_trial()  # of a command that was killed
    ports.configs.remove_config(config)
    until_in_force(ports, config.place, None, f"that the config {name} is gone")


def _try(ports: Ports, config: Config) -> None:
    """Have Traefik make all of it where nobody uses it. Raises `NotConfirmed` with what it says.

    Traefik makes a middleware only for a route, and a route with one that it can't make answers nobody.
    """
    try:
        ports.configs.try_config(config)
        until_in_force(ports, TRIAL, config.trial, f"the trial of the config {config.name}")
        if complaints := ports.balancer.complaints(config.trial):
            raise NotConfirmed(
                f"Traefik refuses what the config {config.name} has: {'; '.join(complaints)}",
                "correct the file; what the gateway has is as before",
            )
    finally:
        ports.configs.end_trial()
        until_in_force(ports, TRIAL, None, "the end of a trial")
