"""What the command line asks for, each a sentence: deploy, roll back, take down."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from functools import partial

from hitless.domain.application import scaled as scaled_module
from hitless.domain.application.model import Application, Role
from hitless.domain.checks.application import check, strict
from hitless.domain.checks.networks import of_room
from hitless.domain.common import redact
from hitless.domain.common.errors import DockerFailed, HitlessError, HookFailed, Refused
from hitless.domain.common.events import Began, Found, Operation, StepId, StepKind
from hitless.domain.common.findings import Finding
from hitless.domain.common.foreign import Json
from hitless.domain.common.names import image_reference
from hitless.domain.gateway.model import Gateway
from hitless.domain.host.journal import Run
from hitless.domain.host.shared import Shared, changed, shared_services
from hitless.domain.host.world import KeptRelease, LiveRelease, World
from hitless.domain.plan import deploy as deploy_plan
from hitless.domain.plan import down as down_plan
from hitless.domain.plan import recover, releases
from hitless.domain.plan import scale as scale_plan
from hitless.domain.plan import shared as shared_steps
from hitless.domain.plan.model import Plan
from hitless.domain.release import compose_models
from hitless.domain.release.model import Image, Release
from hitless.domain.release.prepared import AS_WRITTEN, Timeouts, prepare, prepare_kept, with_timeouts
from hitless.execution import observe
from hitless.execution.journal import discreet, ended, journaled
from hitless.execution.perform import announced, perform
from hitless.ports import Ports


@dataclass(frozen=True)
class Request:
    """What the operator asked for, beside the application itself.

    `wait` is how many seconds to wait for another command on the same application. `pull` is `always`,
    `missing` or `never`, or None for each service's own policy; `findings` were found while the Compose file
    was read; `revision` is the source revision, `holder` who asks from where;
    `adopted` are containers of plain `docker compose up` that are to go afterwards; `is_strict` makes every
    warning an error; `timeouts` are those that were asked for.
    """

    holder: str
    wait: float = 0.0
    findings: tuple[Finding, ...] = ()
    revision: str = ""
    pull: str | None = None
    adopted: tuple[str, ...] = ()
    is_strict: bool = False
    timeouts: Timeouts = AS_WRITTEN


def deploy(
    ports: Ports,
    application: Application,
    request: Request,
    during: Callable[[Ports], AbstractContextManager[object]] = nullcontext,
) -> None:
    """Deploy the application as a new release. Raises `HitlessError`; what was live serves on then.

    `during` is entered first of all that is done, and left when all is done, or undone.
    """
    began = ports.clock.now()
    gateway = _gateway_or_refuse(ports, application, request)
    with (
        journaled(ports, application.name, request.holder, request.wait) as ports,
        discreet(ports, application.model) as ports,
    ):
        world = observe.world(ports, application.name, gateway)
        world = replace(world, base=tuple(one for one in world.base if one.name not in request.adopted))
        # not judged strictly yet: what an image has is not known before it is there
        _refuse(ports, (*request.findings, *check(application, world, {})), warn=False)
        number = releases.next_release(world, application.name)
        ports.emit(Began(Operation.DEPLOY, application.name, number, request.holder, request.revision))
        with (
            discreet(ports, *_models(world)) as ports,
            ended(ports, Operation.DEPLOY, application.name, began) as ports,
            during(ports),
        ):
            try:
                with ThreadPoolExecutor(max_workers=1) as pool:
                    looking = pool.submit(_shared, ports, application, world)
                    images = _prepare_images(ports, application, number, request.pull)
                prepared, problems = prepare(application, images, gateway, request.timeouts)
                found = (*request.findings, *problems, *check(prepared, world, images))
                found = (*found, *changed(looking.result()))
                _refuse(ports, _judged(found, request), warn=True)
            except BaseException:
                with suppress(HitlessError):  # the first error is the one to tell
                    ports.engine.untag(application.name, (number,))
                raise
            release = Release(number, ports.clock.utc(), request.revision, images, application.model)
            failed = perform(deploy_plan.plan_deploy(prepared, release, world, gateway), ports, began)
        _refuse_failed_hooks(failed)


@dataclass(frozen=True)
class Command:
    """A command on an application that is there: its lock is held, and the host has been looked at."""

    operation: Operation
    application: str
    request: Request
    began: float
    ports: Ports
    gateway: Gateway
    world: World

    def perform(self, plan: Plan, run: Run | None = None, revision: str = "") -> None:
        """Perform a plan from `Began` to `Ended`; `run` is the earlier command that it is about."""
        if not plan.steps:
            raise HitlessError(
                f"there is nothing to {self.operation}: no command on {plan.application} was interrupted",
                "see hitless status",
            )
        release = run.release if run else plan.release
        self.ports.emit(Began(self.operation, plan.application, release, self.request.holder, revision))
        with ended(self.ports, self.operation, plan.application, self.began) as ports:
            failed = perform(plan, ports, self.began)
        _refuse_failed_hooks(failed)


@contextmanager
def commanding(ports: Ports, operation: Operation, application: str, request: Request) -> Iterator[Command]:
    """Hold the lock of an application that is there. Raises `HitlessError` without a gateway, `Locked`."""
    began = ports.clock.now()
    gateway = ports.balancer.gateway()
    if gateway is None:
        raise HitlessError("the gateway is not up on this Docker host", "run: hitless gateway up")
    with journaled(ports, application, request.holder, request.wait) as ports:
        world = observe.world(ports, application, gateway)
        if elsewhere := {container.gateway for container in world.containers} - {gateway.project}:
            # which of its colours is live is known there alone
            other = ", ".join(sorted(elsewhere))
            raise HitlessError(f"{application} runs behind the gateway {other}", f"use --gateway {other}")
        with discreet(ports, *_models(world)) as ports:
            yield Command(operation, application, request, began, ports, gateway, world)


def rollback(ports: Ports, application: str, request: Request, number: int | None) -> None:
    """Bring a kept release back by the same plan that deploys one; None: the one before the live one."""
    with commanding(ports, Operation.ROLLBACK, application, request) as command:
        _bring_up(command, _kept_release(command.world, application, number))


def scale(ports: Ports, application: str, request: Request, wanted: Mapping[str, int]) -> bool:
    """Have these numbers of containers (service -> number) in the live colour, without a new release.

    Returns whether there was anything to do.
    """
    with commanding(ports, Operation.SCALE, application, request) as command:
        world = command.world
        live = live_release(world, application)
        release = replace(live.release, model=scaled_module.scaled(live.release.model, wanted))
        prepared, findings = prepare_kept(release, command.gateway)
        once = [service.name for service in prepared.having(Role.SHARED, Role.JOB) if service.name in wanted]
        if once:
            raise HitlessError(f"{', '.join(once)} runs once", "hitless plan says which role a service has")
        with discreet(command.ports, release.model) as ports:
            _refuse(ports, (*findings, *check(prepared, world, release.images)), warn=False)
            plan = scale_plan.plan_scale(prepared, release, world, command.gateway)
            if plan.steps:
                replace(command, ports=ports).perform(plan)
            return bool(plan.steps)


def live_release(world: World, application: str) -> LiveRelease:
    """The release that is live. Raises `HitlessError` where none is, or nothing is kept of it."""
    found = world.live_release(application)
    if found:
        return found
    if live := world.live(application):
        raise HitlessError(
            f"the record of release {live[1]} of {application}, which is live, is damaged or gone",
            "run: hitless deploy",
        )
    raise HitlessError(f"{application} has no live release", "run: hitless deploy")


def plan_of_kept(command: Command, kept: KeptRelease, warn: bool = True) -> Plan:
    """The plan that deploys a release that is kept, the live one, too. Raises `Refused`, saying why."""
    prepared = with_timeouts(kept.application, command.request.timeouts)
    found = (*kept.findings, *check(prepared, command.world, kept.release.images))
    _refuse(command.ports, found, warn)
    return deploy_plan.plan_deploy(prepared, kept.release, command.world, command.gateway)


def resume(ports: Ports, application: str, request: Request) -> None:
    """Finish what an interrupted command left: a deployment, a rollback, a `down`, an abort."""
    with commanding(ports, Operation.RESUME, application, request) as command:
        found = recover.resume(application, command.world)
        if isinstance(found, KeptRelease):
            _bring_up(command, found)
        else:
            command.perform(found, command.world.left)


def abort(ports: Ports, application: str, request: Request) -> None:
    """Undo what an interrupted command left, also after its cutover while what was live is still warm."""
    with commanding(ports, Operation.ABORT, application, request) as command:
        command.perform(recover.abort(application, command.world), recover.interrupted(command.world))


def down(
    ports: Ports, application: str, request: Request, drain_timeout: float | None, volumes: bool
) -> None:
    """Take the application away, and the volumes that were created for it if asked for.

    `drain_timeout` is in seconds; None: as the live release has it.
    """
    with commanding(ports, Operation.DOWN, application, request) as command:
        world = command.world
        plan = _down_plan(world, application, drain_timeout, volumes)
        if not plan.steps:
            raise HitlessError(
                f"there is no application {application} on this gateway",
                "`hitless status --all` lists what there is",
            )
        command.perform(plan)


def start_shared(
    ports: Ports, application: Application, request: Request, services: Sequence[str], recreate: bool
) -> bool:
    """Start the shared services of these names (none: all) that do not run; `recreate`: as the file says.

    Returns whether there was anything to do.
    """
    names = [service.name for service in application.having(Role.SHARED)]
    if unknown := sorted(set(services) - set(names)):
        raise HitlessError(
            f"{', '.join(unknown)} is no shared service of {application.name}",
            f"shared are: {', '.join(names) or 'none'}; hitless plan says why",
        )
    with commanding(ports, Operation.SHARED_UP, application.name, request) as command:
        world = command.world
        with discreet(command.ports, application.model) as ports:
            _refuse(ports, request.findings, warn=False)
            found = _shared(ports, application, world) if recreate else ()
            recreated = [one.service for one in found if one.changes]
            plan = shared_steps.plan_shared(application, world, services or names, recreated)
            if plan.steps:
                replace(command, ports=ports).perform(plan)
            return bool(plan.steps)


def shared(ports: Ports, application: Application) -> tuple[Shared, ...]:
    """How the application's shared services are, beside what the file says of them."""
    return _shared(ports, application, observe.world(ports, application.name))


def _shared(ports: Ports, application: Application, world: World) -> tuple[Shared, ...]:
    services = application.having(Role.SHARED)
    as_written = compose_models.base_model(application)
    as_started = compose_models.base_model(application, world.gateway)
    models = [as_written, as_started] if as_written["services"] != as_started["services"] else [as_started]
    digests = [ports.engine.digests(model) for model in models] if services and world.base else []
    return shared_services(application, world, digests)


def preview(
    ports: Ports, application: Application, request: Request
) -> tuple[Plan | None, tuple[Finding, ...]]:
    """What a deployment would do, and every finding, touching nothing. No plan where one is an error."""
    world = observe.world(ports, application.name)
    sources = {
        service.name: service.image
        for service in application.released
        if service.image and not service.builds
    }
    images = ports.engine.images(sources)
    found = changed(_shared(ports, application, world))
    findings = tuple(dict.fromkeys((*request.findings, *check(application, world, images), *found)))
    findings = redact.redact(_judged(findings, request), redact.secrets(application.model))
    if world.gateway is None or any(finding.is_error for finding in findings):
        return None, findings
    number = releases.next_release(world, application.name)
    release = Release(number, "", request.revision, images, application.model)
    prepared, _ = prepare(application, images, world.gateway)
    plan = deploy_plan.plan_deploy(prepared, release, world, world.gateway)
    lacking = tuple(of_room(plan.networks, ports.engine.ranges()))
    return (None if lacking else plan), (*findings, *lacking)


def _bring_up(command: Command, kept: KeptRelease) -> None:
    """Deploy a release that is kept."""
    with discreet(command.ports, kept.release.model) as ports:
        command = replace(command, ports=ports)
        command.perform(plan_of_kept(command, kept), revision=kept.release.revision)


def _models(world: World) -> Iterator[Json]:
    """Those of the kept releases, whose containers may be shown, too, when something goes wrong."""
    return (kept.model for kept in world.releases)


def _down_plan(world: World, application: str, drain_timeout: float | None, volumes: bool = False) -> Plan:
    return down_plan.plan_down(application, world, _drain_timeout(world, application, drain_timeout), volumes)


def _gateway_or_refuse(ports: Ports, application: Application, request: Request) -> Gateway:
    """The gateway. Without one there is no lock to take, and everything that is wrong is said at once."""
    gateway = ports.balancer.gateway()
    if gateway is None:
        _refuse(ports, (*request.findings, *check(application, World(), {})), warn=False)
        raise AssertionError("a missing gateway is an error finding")
    return gateway


def _judged(found: tuple[Finding, ...], request: Request) -> tuple[Finding, ...]:
    return strict(found) if request.is_strict else found


def _refuse(ports: Ports, found: tuple[Finding, ...], warn: bool) -> None:
    """Say what was found and stop where any of it is an error; `warn`: say mere warnings too."""
    found = tuple(dict.fromkeys(found))
    is_refused = any(finding.is_error for finding in found)
    if is_refused or (warn and found):
        ports.emit(Found(found))
    if is_refused:
        raise Refused(found)


def _refuse_failed_hooks(failed: Sequence[HitlessError]) -> None:
    """Raise `HookFailed` where hooks after the cutover failed; all else is done by then."""
    if failed:
        raise HookFailed(
            f"all is done, but {'; '.join(error.message for error in failed)}",
            "its last lines are above; do what it was to do by hand, or deploy again",
        )


def _prepare_images(
    ports: Ports, application: Application, number: int, pull: str | None
) -> dict[str, Image]:
    # the shared ones are no release's; a release that is brought back has its images
    services = application.released
    references = {
        service.name: image_reference(application.name, number, service.name) for service in services
    }
    built = [service.name for service in services if service.builds]
    if built:
        model = compose_models.build_model(application, number)
        build = partial(_hinted, partial(ports.engine.build, model), "see docker compose build")
        announced(ports, StepId(StepKind.BUILD, release=number, subjects=tuple(built)), build)
    named = {service.name: service.image or "" for service in services if not service.builds}
    present = ports.engine.images(named)
    sources = {}
    for service in services:
        if service.name not in named:
            continue
        policy = pull or service.pull_policy
        image = named[service.name]
        source = compose_models.built_image(application, number, service.name) or image
        needed = policy == "always" or (policy != "never" and service.name not in present)
        if source == image and needed:
            platform = application.model["services"][service.name].get("platform")
            pull_it = partial(ports.engine.pull, image, platform)
            hint = f"is its name right, and may this host have it? try: docker pull {image}"
            announced(ports, StepId(StepKind.PULL, subjects=(image,)), partial(_hinted, pull_it, hint))
        sources[references[service.name]] = source
    if sources:
        ports.engine.tag(sources)
    images = ports.engine.images(references)
    missing = sorted(set(references) - set(images))
    if missing:
        raise HitlessError(
            f"there is no image for {', '.join(missing)} after build and pull",
            "look at the `image:` and `build:` of these services",
        )
    return images


def _hinted(action: Callable[[], None], hint: str) -> None:
    """Do it; say what to do next where it fails and Docker's words tell nothing better."""
    try:
        action()
    except DockerFailed as error:
        error.hint = error.hint or hint
        raise


def _drain_timeout(world: World, application: str, asked: float | None) -> float:
    return recover.settings_of_live(application, world).drain_timeout if asked is None else asked


def _kept_release(world: World, application: str, number: int | None) -> KeptRelease:
    kept = ", ".join(str(release.number) for release in world.releases) or "none"
    former = releases.former_release(world, application)
    wanted = number if number is not None else former.number if former else None
    if wanted is None:
        raise HitlessError(
            f"{application} has no release before the live one to go back to (kept: {kept})",
            "`keep` in x-hitless sets how many releases are kept",
        )
    found = world.kept_release(wanted)
    if found is None:
        raise HitlessError(f"release {wanted} of {application} is not kept", f"kept: {kept}")
    return found
