"""The steps that run jobs and hooks. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from hitless.domain.application.model import Application, Role, When
from hitless.domain.common.foreign import Json
from hitless.domain.common.names import Colour
from hitless.domain.plan.steps import RunHere, RunOnce, Step
from hitless.domain.release import compose_models, replicas
from hitless.domain.release.model import Release
from hitless.domain.release.prepared import Prepared


def jobs(application: Application, release: Release, candidate: Colour, model: Json) -> tuple[RunOnce, ...]:
    """The steps of a release's jobs, each after the jobs that it waits for. A kept release has none."""
    jobs = {job.name: job for job in application.having(Role.JOB)} if not release.promoted else {}
    order: list[str] = []

    def add(name: str) -> None:
        if name in jobs and name not in order:
            for other in jobs[name].depends_on:
                add(other)
            order.append(name)

    for name in jobs:
        add(name)
    return tuple(
        RunOnce(
            application=application.name,
            colour=candidate,
            model=model,
            service=name,
            timeout=jobs[name].settings.timeout,
        )
        for name in order
    )


def on_its_volumes(application: Application, steps: Sequence[Step]) -> tuple[Step, ...]:
    """Those of these steps that may work on what an exclusive service writes: its jobs, and every hook."""
    late = replicas.late_jobs(application)

    def is_late(step: Step) -> bool:
        return not isinstance(step, RunOnce) or step.when is not None or step.service in late

    return tuple(filter(is_late, steps))


def hooks(
    application: Prepared, release: Release, candidate: Colour, live: Colour | None, model: Json
) -> dict[When, list[Step]]:
    """The steps of a deployment's hooks, by the point at which they run."""
    found: dict[When, list[Step]] = {when: [] for when in When}
    told = compose_models.environment(application, release, candidate, live)
    for hook in compose_models.hooks(application, bool(release.promoted)):
        name = compose_models.hook_service(hook)
        found[hook.when].append(
            RunOnce(
                application=application.name,
                colour=candidate,
                model=model,
                service=name,
                timeout=hook.timeout,
                when=hook.when,
            )
            if hook.service
            else RunHere(
                when=hook.when,
                name=hook.name,
                # in a Compose model a literal $ is written $$
                command=tuple(word.replace("$$", "$") for word in hook.command),
                environment={**told, "HITLESS_HOOK": str(hook.when)},
                timeout=hook.timeout,
            )
        )
    return found
