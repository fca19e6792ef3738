"""What the command line asks for, each a sentence: deploy, roll back, take down."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from hitless.domain import plan as plans
from hitless.domain import project, spec
from hitless.domain.check import check
from hitless.domain.errors import HitlessError, Refused
from hitless.domain.events import Began, Found
from hitless.domain.model import (
    Application,
    Finding,
    Image,
    Release,
    Settings,
    image_reference,
)
from hitless.domain.steps import Plan
from hitless.domain.world import Gateway, World
from hitless.execution import observe
from hitless.execution.journal import ended, journaled
from hitless.execution.perform import announced, perform
from hitless.ports import Ports


@dataclass(frozen=True)
class Request:
    """What the operator asked for, beside the application itself.

    `pull` is `always`, `missing` or `never`, or None for each service's own policy; `findings` were found
    while the Compose file was read; `revision` is the source revision, `holder` who asks from where.
    """

    holder: str
    findings: tuple[Finding, ...] = ()
    revision: str = ""
    pull: str | None = None


def deploy(ports: Ports, application: Application, request: Request) -> None:
    """Deploy the application as a new release. Raises `HitlessError`; what was live serves on then."""
    began = ports.clock.now()
    gateway = _gateway_or_refuse(ports, application, request)
    with journaled(ports, application.name, request.holder) as ports:
        world = observe.world(ports, application.name, gateway)
        _refuse(ports, (*request.findings, *check(application, world, {})), warn=False)
        number = plans.next_release(world, application.name)
        ports.emit(Began("deploy", application.name, number, request.holder))
        with ended(ports, "deploy", application.name, began) as ports:
            try:
                images = _prepare_images(ports, application, number, request.pull)
                prepared, problems = spec.with_images(application, images)
                found = (*request.findings, *problems, *check(prepared, world, images))
                _refuse(ports, found, warn=True)
                release = Release(number, ports.clock.utc(), request.revision, images, application.model)
                plan = plans.deploy(prepared, release, world, gateway)
                perform(plan, ports, gateway, began)
            except BaseException:
                _forget_unless_live(ports, application.name, number)
                raise


def rollback(
    ports: Ports,
    application: str,
    request: Request,
    number: int | None,
    timeouts: tuple[float | None, float | None] = (None, None),
) -> None:
    """Bring a kept release back by the same plan that deploys one; None: the one before the live one.

    `timeouts` are those of the gate and of the drain, in seconds, where they were asked for.
    """
    began = ports.clock.now()
    gateway = _gateway(ports)
    with journaled(ports, application, request.holder) as ports:
        world = observe.world(ports, application, gateway)
        release = _kept_release(world, application, number)
        former, findings = spec.read(release.model)
        former = spec.with_timeouts(former, *timeouts)
        prepared, problems = spec.with_images(former, release.images)
        found = (*findings, *problems, *check(prepared, world, release.images))
        _refuse(ports, found, warn=True)
        ports.emit(Began("rollback", application, release.number, request.holder))
        with ended(ports, "rollback", application, began) as ports:
            perform(plans.deploy(prepared, release, world, gateway), ports, gateway, began)


def down(
    ports: Ports, application: str, request: Request, drain_timeout: float | None, volumes: bool
) -> tuple[str, ...]:
    """Take the application away; the volumes that were removed too, if asked for.

    `drain_timeout` is in seconds; None: as the live release has it.
    """
    began = ports.clock.now()
    gateway = _gateway(ports)
    with journaled(ports, application, request.holder) as ports:
        world = observe.world(ports, application, gateway)
        if elsewhere := {container.gateway for container in world.containers} - {gateway.project}:
            other = ", ".join(sorted(elsewhere))
            raise HitlessError(f"{application} runs behind the gateway {other}", f"use --gateway {other}")
        plan = plans.down(application, world, _drain_timeout(world, application, drain_timeout))
        if not plan.steps:
            raise HitlessError(
                f"there is no application {application} on this gateway",
                "`hitless status` lists what there is",
            )
        ports.emit(Began("down", application, 0, request.holder))
        with ended(ports, "down", application, began) as ports:
            perform(plan, ports, gateway, began)
            return ports.engine.remove_volumes(application) if volumes else ()


def preview(
    ports: Ports, application: Application, request: Request
) -> tuple[Plan | None, tuple[Finding, ...]]:
    """What a deployment would do, and every finding, touching nothing. No plan where one is an error."""
    world = observe.world(ports, application.name)
    sources = {
        service.name: service.image
        for service in application.services
        if service.image and not service.builds
    }
    images = ports.engine.images(sources)
    findings = (*request.findings, *check(application, world, images))
    if world.gateway is None or any(finding.is_error for finding in findings):
        return None, findings
    number = plans.next_release(world, application.name)
    release = Release(number, "", request.revision, images, application.model)
    prepared, _ = spec.with_images(application, images)
    plan = plans.deploy(prepared, release, world, world.gateway)
    return plan, findings


def _gateway_or_refuse(ports: Ports, application: Application, request: Request) -> Gateway:
    """The gateway. Without one there is no lock to take, and everything that is wrong is said at once."""
    gateway = ports.balancer.gateway()
    if gateway is None:
        _refuse(ports, (*request.findings, *check(application, World(), {})), warn=False)
        raise AssertionError("a missing gateway is an error finding")
    return gateway


def _gateway(ports: Ports) -> Gateway:
    gateway = ports.balancer.gateway()
    if gateway is None:
        raise HitlessError("the gateway is not up on this Docker host", "run: hitless gateway up")
    return gateway


def _refuse(ports: Ports, found: tuple[Finding, ...], warn: bool) -> None:
    """Say what was found and stop where any of it is an error; `warn`: say mere warnings too."""
    found = tuple(dict.fromkeys(found))
    is_refused = any(finding.is_error for finding in found)
    if is_refused or (warn and found):
        ports.emit(Found(found))
    if is_refused:
        raise Refused(found)


def _prepare_images(
    ports: Ports, application: Application, number: int, pull: str | None
) -> dict[str, Image]:
    references = {
        service.name: image_reference(application.name, number, service.name)
        for service in application.services
    }
    built = [service.name for service in application.services if service.builds]
    if built:
        model = project.build_model(application, number)
        announced(ports, f"build {', '.join(built)}", partial(ports.engine.build, model))
    named = {service.name: service.image or "" for service in application.services if not service.builds}
    present = ports.engine.images(named)
    for service in application.services:
        if service.name not in named:
            continue
        policy = pull or service.pull_policy
        image = named[service.name]
        source = project.built_image(application, number, service.name) or image
        needed = policy == "always" or (policy != "never" and service.name not in present)
        if source == image and needed:
            platform = application.model["services"][service.name].get("platform")
            announced(ports, f"pull {image}", partial(ports.engine.pull, image, platform))
        ports.engine.tag(source, references[service.name])
    images = ports.engine.images(references)
    missing = sorted(set(references) - set(images))
    if missing:
        raise HitlessError(
            f"there is no image for {', '.join(missing)} after build and pull",
            "look at the `image:` and `build:` of these services",
        )
    return images


def _drain_timeout(world: World, application: str, asked: float | None) -> float:
    live = world.live(application)
    release = world.release(live[1]) if live else None
    if asked is not None or release is None:
        return Settings().drain_timeout if asked is None else asked
    return spec.read(release.model)[0].settings.drain_timeout


def _kept_release(world: World, application: str, number: int | None) -> Release:
    kept = ", ".join(str(release.number) for release in world.releases) or "none"
    if number is None:
        found = plans.former_release(world, application)
        if found is None:
            raise HitlessError(
                f"{application} has no release before the live one to go back to (kept: {kept})",
                "`keep` in x-hitless sets how many releases are kept",
            )
        return found
    found = world.release(number)
    if found is None:
        raise HitlessError(f"release {number} of {application} is not kept", f"kept: {kept}")
    return found


def _forget_unless_live(ports: Ports, application: str, number: int) -> None:
    """A release that did not become live leaves no record and no image tag behind."""
    with suppress(HitlessError):  # the first error is the one to tell; `down` and pruning take leftovers
        live = observe.world(ports, application).live(application)
        if live is None or live[1] != number:
            ports.engine.untag(application, (number,))
            ports.store.forget(application, (number,))
