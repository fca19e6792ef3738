"""What a deployment would do."""

from __future__ import annotations

from hitless.domain.application.model import Application
from hitless.domain.checks.application import check
from hitless.domain.checks.networks import of_room
from hitless.domain.common import redact
from hitless.domain.common.findings import Finding
from hitless.domain.host.journal import last_waited, runs
from hitless.domain.host.shared import changed
from hitless.domain.plan import releases
from hitless.domain.plan.deploy import plan_deploy
from hitless.domain.plan.images import named_images, plan_images
from hitless.domain.plan.preview import Preview, lets_wait
from hitless.domain.release.model import Release
from hitless.domain.release.prepared import prepare
from hitless.execution import observe
from hitless.execution.deploy import DeployOptions
from hitless.execution.shared import shared
from hitless.ports import Ports


def preview(
    ports: Ports, application: Application, options: DeployOptions
) -> tuple[Preview | None, tuple[Finding, ...]]:
    """What a deployment would do (None if a finding is an error), and every finding. Changes nothing."""
    world = observe.world(ports, application.name)
    images = ports.images.present(named_images(application))
    found = changed(shared(ports, application, world))
    findings = tuple(dict.fromkeys((*options.findings, *check(application, world, images), *found)))
    findings = redact.redact(options.judged(findings), redact.secrets(application.model))
    if world.gateway is None or any(finding.is_error for finding in findings):
        return None, findings
    number = releases.next_release(world, application.name)
    release = Release(number, "", options.revision, images, application.model)
    prepared, _ = prepare(application, images, world.gateway)
    plan = plan_deploy(prepared, release, world, world.gateway)
    if lacking := tuple(of_room(plan.networks, ports.networks.ranges())):
        return None, (*findings, *lacking)
    # the runs of the world are without most of their steps
    waited = last_waited(runs(ports.state.journal(application.name))) if lets_wait(plan) else None
    return Preview(plan_images(application, number, images, options.pull), plan, waited), findings
