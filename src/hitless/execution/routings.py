"""Perform the steps of a plan that change the routing, or judge a release before and after that."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from hitless.domain.checks.route import taken
from hitless.domain.common.errors import DockerFailed, HitlessError, NotConfirmed
from hitless.domain.plan.routing_steps import (
    AddReplicas,
    Answer,
    Bake,
    CutOver,
    Gate,
    GetCertificates,
    LetWait,
    Restore,
    RoutingStep,
    Show,
    Withdraw,
)
from hitless.domain.routing.split import Routing, Waiting
from hitless.execution import orders, readiness, waits
from hitless.execution.progress import Progress
from hitless.execution.replicas import Replicas
from hitless.ports import Ports


def perform_routing(ports: Ports, step: RoutingStep, known: Replicas, progress: Progress) -> str:
    """Perform one step. Returns the text for the event of its end."""
    match step:
        case Show(application, _, before, routing):
            said = _route(ports, known, application, before, routing, is_new=True)
            _refuse_taken(ports, step)
            return said
        case Restore():
            return _restore(ports, known, step)
        case Withdraw(application, before, withdrawn):
            return _route(ports, known, application, before, withdrawn)
        case LetWait(before, routing, page):
            return _let_wait(ports, known, before, routing, page)
        case Answer(waiting, routing):
            return _answer(ports, known, waiting, routing)
        case CutOver(before, routing) | AddReplicas(before, routing):
            _last_look(ports, step, known)
            return _route(ports, known, routing.application, before, routing)
        case GetCertificates():
            return orders.get_certificates(ports, step, progress)
        case Bake(application, colour, wanted):
            there = known.ready(application, colour, wanted)
            readiness.until_baked(ports, step, there, known.passed, progress)
            return ""
        case Gate(application, colour, wanted):
            there = known.ready(application, colour, wanted)
            readiness.until_ready(ports, step, there, known.passed, progress)
            return ""


def _last_look(ports: Ports, step: CutOver | AddReplicas, known: Replicas) -> None:
    """Check that all is as it was at the gate. From now on, the containers start again with the engine."""
    application, colour = step.routing.application, step.routing.live
    assert colour
    with ThreadPoolExecutor(max_workers=1) as pool:
        policies = known.each(application, colour, step.restart)
        updated = pool.submit(ports.containers.set_restart_policies, policies) if policies else None
        there = known.ready(application, colour, step.readiness)
        readiness.refuse_unready(ports, application, colour, there, known.passed)
        if updated:
            updated.result()


def _let_wait(ports: Ports, known: Replicas, before: Routing, routing: Routing, page: str) -> str:
    """Have every new request wait. Raises `HitlessError`, and changes nothing, where that is impossible."""
    address = routing.waiting.address if routing.waiting else ""
    if not address:
        raise HitlessError(
            f"the gateway was not on the network of {routing.application} when this command began",
            "it is now: deploy again",
        )
    with suppress(DockerFailed):  # those that wait too long get 503 without it, too
        ports.balancer.show_page(routing.application, page)
    try:
        # those who answered at a changeover before must not answer now
        ports.balancer.answer(routing.application, address, {})
    except DockerFailed as error:
        raise HitlessError(
            f"requests can't wait here: the host's kernel does not take the gateway's rule: {error.output}",
            "the kernel needs nf_tables with nft_nat and nft_limit; without them, deploy in a quiet hour: "
            "hitless down, then hitless deploy",
        ) from error
    known.waiting_since.append(ports.clock.now())
    return _route(ports, known, routing.application, before, routing)


def _answer(ports: Ports, known: Replicas, waiting: Waiting, routing: Routing) -> str:
    served = known.served(routing) or routing
    servers = served.colours[served.live].answering(waiting) if served.live else {}
    try:
        ports.balancer.answer(routing.application, waiting.address, servers)
    except DockerFailed as error:
        try:
            ports.balancer.answer(routing.application, waiting.address, {})
        except DockerFailed:
            # the kernel takes no rule at all, and so nobody has been let wait
            return f"nobody can wait here: {error.output}"
        raise
    if silent := [name for name, port in waiting.ports.items() if port not in servers]:
        return f"nobody answers those for {', '.join(silent)}: there is none in {served.live}"
    began = known.waiting_since
    return f"the first has waited for {ports.clock.now() - began.pop(0):.1f} s" if began else ""


def _restore(ports: Ports, known: Replicas, step: Restore) -> str:
    """Have a routing in force. If it is in force already, this writes nothing: the disk may be full."""
    application, routing = step.application, known.served(step.routing)
    if ports.state.read(application).holds(application, routing) and ports.balancer.in_force(
        application, routing
    ):
        return "nothing to change"
    try:
        return _route(ports, known, application, routing, routing)
    except DockerFailed as error:
        if step.harmless and ports.balancer.in_force(application, known.served(step.harmless)):
            return f"can't write them; those in force give the candidate no request: {error.output}"
        raise


def _route(
    ports: Ports,
    known: Replicas,
    application: str,
    before: Routing | None,
    routing: Routing | None,
    is_new: bool = False,
) -> str:
    """Deliver a routing and confirm it. With `is_new`, also ask Traefik for errors in the new routes.

    Later routings use the same routes, which Traefik has accepted then.
    """
    before, routing = known.served(before), known.served(routing)
    ports.insist()  # a step may have hung while another command changed the routing
    ports.balancer.deliver(application, routing)
    try:
        waits.until_in_force(ports, application, routing)
        if routing and is_new:
            waits.refuse_complaints(ports, application, routing)
    except NotConfirmed:
        ports.insist()
        ports.balancer.deliver(application, before)
        raise
    return f"generation {routing.generation}" if routing else ""


def _refuse_taken(ports: Ports, step: Show) -> None:
    """Raise `HitlessError` if another application has one of the candidate's routes now.

    Two applications may ask for a free route at the same time. Each shows its own route before it looks
    here, so at least one of the two sees the other.
    """
    for finding in taken(step.application, step.claims, ports.state.read(None).routings):
        raise HitlessError(f"{finding.path}: {finding.message}", finding.hint)
