"""Deploy an application as a new release."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, replace

from hitless.domain.application.model import Application
from hitless.domain.checks.application import check, strict
from hitless.domain.common.errors import HitlessError
from hitless.domain.common.findings import Finding
from hitless.domain.gateway.model import Gateway
from hitless.domain.host.shared import changed
from hitless.domain.host.world import World
from hitless.domain.plan import releases
from hitless.domain.plan.deploy import plan_deploy
from hitless.domain.plan.images import named_images, plan_images
from hitless.domain.release.model import Image, Release
from hitless.domain.release.prepared import AS_WRITTEN, Prepared, Timeouts, prepare
from hitless.execution import observe
from hitless.execution.images import get_images
from hitless.execution.session import Session
from hitless.execution.shared import shared
from hitless.ports import Ports


@dataclass(frozen=True)
class DeployOptions:
    """What the user asked for, apart from the application itself.

    `findings` are from reading the Compose file. `revision` is the source revision. `pull` is `always`,
    `missing` or `never`, or None for each service's own policy. `adopted` are containers of plain
    `docker compose up` that will be removed afterwards. `is_strict` makes every warning an error.
    """

    findings: tuple[Finding, ...] = ()
    revision: str = ""
    pull: str | None = None
    adopted: tuple[str, ...] = ()
    is_strict: bool = False
    timeouts: Timeouts = AS_WRITTEN

    def judged(self, found: tuple[Finding, ...]) -> tuple[Finding, ...]:
        """The findings; with `is_strict`, warnings are errors."""
        return strict(found) if self.is_strict else found


def deploy(
    session: Session,
    application: Application,
    options: DeployOptions,
    found: Callable[[], Gateway | None] | None = None,
    during: Callable[[Ports], AbstractContextManager[object]] = nullcontext,
) -> None:
    """Deploy the application as a new release. Raises `HitlessError`; the live release keeps serving then.

    `found` gives what `session.gateway` has found a moment before; without it, this looks. `during` is
    entered when the images are there, and left when all is done or undone.
    """
    ports = session.ports
    session.hide(application.model)
    gateway = _gateway_or_refuse(session, application, options, found or session.gateway)
    session.lock()
    world = observe.world(ports, application.name, gateway)
    world = replace(world, base=tuple(one for one in world.base if one.name not in options.adopted))
    session.know(world)
    # Not strict yet: hitless knows what an image has only when the image is there
    session.refuse((*options.findings, *check(application, world, {})), warn=False)
    number = releases.next_release(world, application.name)
    session.begin(number, options.revision)
    prepared, images = _prepare(session, application, options, world, gateway, number)
    release = Release(number, ports.clock.utc(), options.revision, images, application.model)
    with during(ports):
        session.perform(plan_deploy(prepared, release, world, gateway))


def _gateway_or_refuse(
    session: Session, application: Application, options: DeployOptions, found: Callable[[], Gateway | None]
) -> Gateway:
    """The gateway. Without one there is no lock: then this raises `Refused` with all errors at once."""
    gateway = found()
    if gateway is None:
        nothing = World(others=session.ports.balancer.other_gateways())
        session.refuse((*options.findings, *check(application, nothing, {})), warn=False)
        raise AssertionError("a missing gateway is an error finding")
    return gateway


def _prepare(
    session: Session,
    application: Application,
    options: DeployOptions,
    world: World,
    gateway: Gateway,
    number: int,
) -> tuple[Prepared, dict[str, Image]]:
    """Get the images, and check the application with them. On an error, untag the images."""
    ports = session.ports
    try:
        with ThreadPoolExecutor(max_workers=1) as pool:
            looking = pool.submit(shared, ports, application, world)
            present = ports.images.present(named_images(application))
            images = get_images(plan_images(application, number, present, options.pull), ports)
        prepared, findings = prepare(application, images, gateway, options.timeouts)
        found = (*options.findings, *findings, *check(prepared, world, images), *changed(looking.result()))
        session.refuse(options.judged(found), warn=True)
    except BaseException:
        with suppress(HitlessError):  # only the first error counts
            ports.images.untag(application.name, (number,))
        raise
    return prepared, images
