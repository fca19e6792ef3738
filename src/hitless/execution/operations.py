"""What the command line asks for, each a sentence: deploy, roll back, take down."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from hitless.domain import plan as plans
from hitless.domain import project, spec
from hitless.domain.check import check
from hitless.domain.errors import HitlessError, LockLost, Refused
from hitless.domain.events import Began, Found
from hitless.domain.history import Run
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
from hitless.execution.journal import discreet, ended, journaled
from hitless.execution.perform import announced, perform
from hitless.ports import Ports


@dataclass(frozen=True)
class Request:
    """What the operator asked for, beside the application itself.

    `wait` is how many seconds to wait for another command on the same application. `pull` is `always`,
    `missing` or `never`, or None for each service's own policy; `findings` were found while the Compose file
    was read; `revision` is the source revision, `holder` who asks from where.
    """

    holder: str
    wait: float = 0.0
    findings: tuple[Finding, ...] = ()
    revision: str = ""
    pull: str | None = None


def deploy(ports: Ports, application: Application, request: Request) -> None:
    """Deploy the application as a new release. Raises `HitlessError`; what was live serves on then."""
    began = ports.clock.now()
    gateway = _gateway_or_refuse(ports, application, request)
    with (
        journaled(ports, application.name, request.holder, request.wait) as ports,
        discreet(ports, application.model) as ports,
    ):
        world = observe.world(ports, application.name, gateway)
        _refuse(ports, (*request.findings, *check(application, world, {})), warn=False)
        number = plans.next_release(world, application.name)
        ports.emit(Began("deploy", application.name, number, request.holder, request.revision))
        with ended(ports, "deploy", application.name, began) as ports:
            try:
                images = _prepare_images(ports, application, number, request.pull)
                prepared, problems = spec.with_images(application, images)
                found = (*request.findings, *problems, *check(prepared, world, images))
                _refuse(ports, found, warn=True)
                release = Release(number, ports.clock.utc(), request.revision, images, application.model)
                plan = plans.deploy(prepared, release, world, gateway)
                perform(plan, ports, gateway, began)
            except LockLost:
                raise  # what is left may be another command's by now, or is resumed
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
    with journaled(ports, application, request.holder, request.wait) as ports:
        world = observe.world(ports, application, gateway)
        release = _kept_release(world, application, number)
        _bring_up(ports, "rollback", release, world, gateway, request, began, timeouts)


def resume(ports: Ports, application: str, request: Request) -> None:
    """Finish what an interrupted command left: a deployment, a rollback, a `down`, an abort."""
    began = ports.clock.now()
    gateway = _gateway(ports)
    with journaled(ports, application, request.holder, request.wait) as ports:
        world = observe.world(ports, application, gateway)
        run = world.left
        live = world.live(application)
        if run and run.operation == "abort":
            _abort(ports, "resume", application, world, gateway, request, began)
        elif run and run.operation == "down":
            _perform(ports, "resume", _down_plan(world, application, None), gateway, request, began, run)
        elif run and run.release and (not live or live[1] != run.release):
            release = world.release(run.release)
            if release is None:
                raise HitlessError(
                    f"release {run.release} was interrupted before it was written down",
                    "run hitless deploy again, or hitless abort to take away what is left of it",
                )
            _bring_up(ports, "resume", release, world, gateway, request, began)
        else:
            _perform(ports, "resume", _tidy_plan(world, application), gateway, request, began, run)


def abort(ports: Ports, application: str, request: Request) -> None:
    """Undo what an interrupted command left, also after its cutover while what was live is still warm."""
    began = ports.clock.now()
    gateway = _gateway(ports)
    with journaled(ports, application, request.holder, request.wait) as ports:
        world = observe.world(ports, application, gateway)
        _abort(ports, "abort", application, world, gateway, request, began)


def down(
    ports: Ports, application: str, request: Request, drain_timeout: float | None, volumes: bool
) -> tuple[str, ...]:
    """Take the application away; the volumes that were removed too, if asked for.

    `drain_timeout` is in seconds; None: as the live release has it.
    """
    began = ports.clock.now()
    gateway = _gateway(ports)
    with journaled(ports, application, request.holder, request.wait) as ports:
        world = observe.world(ports, application, gateway)
        if elsewhere := {container.gateway for container in world.containers} - {gateway.project}:
            other = ", ".join(sorted(elsewhere))
            raise HitlessError(f"{application} runs behind the gateway {other}", f"use --gateway {other}")
        plan = _down_plan(world, application, drain_timeout)
        if not plan.steps:
            raise HitlessError(
                f"there is no application {application} on this gateway",
                "`hitless status --all` lists what there is",
            )
        _perform(ports, "down", plan, gateway, request, began)
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


def _bring_up(
    ports: Ports,
    operation: str,
    release: Release,
    world: World,
    gateway: Gateway,
    request: Request,
    began: float,
    timeouts: tuple[float | None, float | None] = (None, None),
) -> None:
    """Deploy a release that is kept."""
    application, findings = spec.read(release.model)
    application = spec.with_timeouts(application, *timeouts)
    prepared, problems = spec.with_images(application, release.images)
    _refuse(ports, (*findings, *problems, *check(prepared, world, release.images)), warn=True)
    plan = plans.deploy(prepared, release, world, gateway)
    with discreet(ports, release.model) as ports:
        _perform(ports, operation, plan, gateway, request, began, revision=release.revision)


def _abort(
    ports: Ports,
    operation: str,
    application: str,
    world: World,
    gateway: Gateway,
    request: Request,
    began: float,
) -> None:
    # an abort may have been interrupted, too: what is to be undone is what came before it
    run = next((run for run in reversed(world.runs) if run.operation != "abort"), None)
    run = run if world.left and run and run.is_left else None
    live = world.live(application)
    if run and run.operation == "down":
        raise HitlessError(
            "a `down` was interrupted; what it took away can't be brought back",
            "hitless resume finishes it, hitless deploy starts the application anew",
        )
    plan: Plan | None = _tidy_plan(world, application)
    if run and live and live[1] == run.release:
        # a release that was brought back is kept as it was before
        forgotten = (run.release,) if run.operation == "deploy" else ()
        plan = plans.abort(application, world, _drain_timeout(world, application, None), forgotten)
        if plan is None:
            raise HitlessError(
                f"release {run.release} is live, and the one before it has gone already",
                "hitless resume finishes it; then hitless rollback brings a former release back",
            )
    assert plan
    _perform(ports, operation, plan, gateway, request, began, run)


def _perform(
    ports: Ports,
    operation: str,
    plan: Plan,
    gateway: Gateway,
    request: Request,
    began: float,
    run: Run | None = None,
    revision: str = "",
) -> None:
    """Perform a plan as a command of its own, from `Began` to `Ended`; `run` is the one that it is about."""
    if not plan.steps:
        raise HitlessError(
            f"there is nothing to {operation}: no command on {plan.application} was interrupted",
            "see hitless status",
        )
    release = run.release if run else plan.release
    ports.emit(Began(operation, plan.application, release, request.holder, revision))
    with ended(ports, operation, plan.application, began) as ports:
        perform(plan, ports, gateway, began)


def _down_plan(world: World, application: str, drain_timeout: float | None) -> Plan:
    return plans.down(application, world, _drain_timeout(world, application, drain_timeout))


def _tidy_plan(world: World, application: str) -> Plan:
    settings = _settings(world, application)
    return plans.tidy(application, world, settings.drain_timeout, settings.keep)


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
    return _settings(world, application).drain_timeout if asked is None else asked


def _settings(world: World, application: str) -> Settings:
    """Those of the live release, as far as it is known."""
    live = world.live(application)
    release = world.release(live[1]) if live else None
    return spec.read(release.model)[0].settings if release else Settings()


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
