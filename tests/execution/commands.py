"""The commands as the command line runs them: each has a session of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hitless.domain.application.model import Application
from hitless.domain.common.errors import HitlessError
from hitless.domain.common.events import Operation
from hitless.domain.gateway.settings import GatewaySettings
from hitless.domain.plan.adopt import Adoption
from hitless.domain.proof.verdict import Proof
from hitless.execution import abort as aborting
from hitless.execution import adopt as adopting
from hitless.execution import deploy as deploying
from hitless.execution import down as taking_down
from hitless.execution import gateway as gateways
from hitless.execution import prove as proving
from hitless.execution import resume as resuming
from hitless.execution import rollback as rolling_back
from hitless.execution import scale as scaling
from hitless.execution import shared as sharing
from hitless.execution.deploy import DeployOptions
from hitless.execution.prove import Wanted
from hitless.execution.session import Session
from hitless.ports import Ports
from hitless.ports.gateway_project import GatewayProject
from hitless.ports.load import Load
from hitless.ports.outside import Outside
from tests.fakes.outside import FakeOutside

SOMEBODY = "somebody@somewhere"
AS_THE_FILE_SAYS = DeployOptions()


def session(ports: Ports, operation: Operation, application: str = "shop", wait: float = 0.0) -> Session:
    return Session(ports, operation, application, SOMEBODY, wait)


def deploy(
    ports: Ports, application: Application, options: DeployOptions = AS_THE_FILE_SAYS, wait: float = 0.0
) -> None:
    with session(ports, Operation.DEPLOY, application.name, wait) as command:
        deploying.deploy(command, application, options)


def rollback(ports: Ports, number: int | None = None) -> None:
    with session(ports, Operation.ROLLBACK) as command:
        rolling_back.rollback(command, number)


def scale(ports: Ports, wanted: Mapping[str, int]) -> bool:
    with session(ports, Operation.SCALE) as command:
        return scaling.scale(command, wanted)


def resume(ports: Ports) -> None:
    with session(ports, Operation.RESUME) as command:
        resuming.resume(command)


def abort(ports: Ports) -> None:
    with session(ports, Operation.ABORT) as command:
        aborting.abort(command)


def down(ports: Ports, drain_timeout: float | None = None, volumes: bool = False) -> tuple[str, ...]:
    with session(ports, Operation.DOWN) as command:
        return taking_down.down(command, drain_timeout, volumes)


def start_shared(
    ports: Ports, application: Application, services: Sequence[str] = (), recreate: bool = False
) -> bool:
    with session(ports, Operation.SHARED_UP) as command:
        return sharing.start_shared(command, application, (), services, recreate)


def prove(
    ports: Ports, load: Load, wanted: Wanted, application: str = "shop"
) -> tuple[Proof, HitlessError | None]:
    with session(ports, Operation.PROVE, application) as command:
        return proving.prove(command, load, wanted)


def adopt(
    ports: Ports,
    project: GatewayProject,
    application: Application,
    found: Adoption,
    outside: Outside | None = None,
) -> None:
    with session(ports, Operation.ADOPT, application.name) as command:
        adopting.adopt(command, project, application, DeployOptions(), found, outside or FakeOutside())


def gateway_up(
    ports: Ports,
    project: GatewayProject,
    is_running: bool,
    changes: dict[str, Any],
    may_replace: bool,
    wait: float = 0.0,
    may_forget: bool = False,
    holds: bool = False,
) -> tuple[GatewaySettings, bool, tuple[str, ...]]:
    with session(ports, Operation.GATEWAY_UP, "", wait) as command:
        return gateways.up(command, project, is_running, changes, may_replace, may_forget, holds)


def gateway_upgrade(
    ports: Ports, project: GatewayProject, changes: dict[str, Any], wait: float = 0.0
) -> tuple[GatewaySettings, bool, tuple[str, ...]]:
    with session(ports, Operation.GATEWAY_UPGRADE, "", wait) as command:
        return gateways.upgrade(command, project, changes)


def gateway_down(
    ports: Ports, project: GatewayProject, applications: Sequence[str], force: bool, volumes: bool
) -> None:
    with session(ports, Operation.GATEWAY_DOWN, "") as command:
        gateways.down(command, project, applications, force, volumes)
