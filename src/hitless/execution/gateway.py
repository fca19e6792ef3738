"""Start and stop the gateway."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import replace
from typing import Any

from hitless.domain.common.errors import GatewayDown, HitlessError, Locked, TimedOut
from hitless.domain.common.events import StepId, StepKind, Undoing, Waiting
from hitless.domain.gateway.acme import STAGING, Names, host_of
from hitless.domain.gateway.image import TRAEFIK_IMAGE
from hitless.domain.gateway.instances import REPLACEABLE, differing, megabytes
from hitless.domain.gateway.settings import API_PORT, GatewaySettings
from hitless.domain.host.certificates import needing, succession, told
from hitless.domain.host.journal import Holder
from hitless.domain.plan.replace import replacement, tidying
from hitless.domain.routing.entry_points import shown
from hitless.execution import observe, waits
from hitless.execution.perform import announced
from hitless.execution.session import Session
from hitless.ports import Ports
from hitless.ports.gateway_project import GatewayProject
from hitless.ports.state import HeldLock

_ANSWER_TIMEOUT = 30.0
_PAUSE = 0.1
DRAIN_TIMEOUT = 30.0  # seconds for the connections of a Traefik that is replaced
_REMNANT = 30.0  # seconds to wait for a Docker command that a killed hitless has left running


def up(
    session: Session,
    project: GatewayProject,
    is_running: bool,
    changes: dict[str, Any],
    may_replace: bool,
    may_forget: bool = False,
    holds: bool = False,
) -> tuple[GatewaySettings, bool, tuple[str, ...]]:
    """Start the gateway, or change the running one.

    `changes` are the settings that the user named; all others stay as they are. Some changes of a running
    gateway take a restart, which interrupts every application: hitless does this only with `may_replace`.
    Returns the settings, whether anything was done, and messages about the gateway's files and image. Raises
    `HitlessError` also if the gateway runs and an application's routes do not answer. Raises `Locked` if a
    command works on an application: its lock would end with the gateway's container. `holds`: it does not
    publish its own ports yet.
    """
    ports = session.ports
    present = project.settings()
    # Try the ports again that something else had when an application was adopted (`held`)
    wanted = replace(present or GatewaySettings(), held=(), **changes)
    if holds:
        wanted = replace(wanted, held=tuple(sorted(wanted.own_ports)))
    if may_replace or not is_running:
        wanted = wanted.up_to_date()
    elif present and wanted.image == present.image:
        wanted = replace(wanted, image_asked=present.image_asked)
    if is_running and wanted == present and not may_replace:
        return wanted, False, put_right(ports, wanted)
    _refuse_unable(wanted)
    if is_running and present and not may_forget:
        _refuse_to_forget(ports, present, wanted)
    if is_running and present and not may_replace:
        changed = differing(present, wanted)
        if set(changed) <= REPLACEABLE:
            return wanted, True, replace_traefik(session, project, present, wanted)
        shown_changes = ", ".join(
            f"{key} is {_shown(getattr(present, key))}, asked for {_shown(getattr(wanted, key))}"
            for key in changed
        )
        raise HitlessError(
            f"the gateway runs with other settings: {shown_changes}",
            "pass --replace to restart it with the new ones; requests get no answer for a second or two",
        )
    _refuse_ports(wanted)
    refuse_unfit(project, wanted.image)
    wanted = with_pool(project, wanted)
    if is_running and present:
        # Found later, a taken port would cost a restart of the gateway, which interrupts every application
        more = {port: at for port, at in wanted.published.items() if port not in present.published}
        there = present.published_udp
        udp = {port: at for port, at in wanted.published_udp.items() if port not in there}
        project.refuse_taken(more, udp)
    said = put_right(ports, present) if is_running and present else ()
    if present and wanted.image != present.image:
        said = (f"Traefik's image is {wanted.image} now; it was {present.image}", *said)
    _restart(session, project, present if is_running else None, wanted)
    if is_running and present:
        said = (*said, *_old_redirects(ports, present.https_port, wanted.https_port))
    return wanted, True, said


def _old_redirects(ports: Ports, old: int, new: int) -> Iterator[str]:
    """A message where redirects of what is deployed still name the gateway's old port for HTTPS."""
    if new in (0, old):
        return
    routings = ports.state.read(None).routings
    names = [name for name in sorted(routings) if any(one.is_redirect for one in routings[name].rules)]
    if names:
        again = f"deploy {', '.join(names)} again to lead them to {new}"
        yield f"redirects to HTTPS still lead to port {old}: {again}"


def _refuse_ports(wanted: GatewaySettings) -> None:
    """Raise `HitlessError` where two things want the same port."""
    if wanted.https_port == wanted.http_port:
        raise HitlessError(
            f"port {wanted.http_port} can't be both for HTTP and for HTTPS",
            "choose another one with --http-port or --https-port",
        )
    if wanted.dashboard and API_PORT in (*wanted.own_ports, *wanted.ports):
        raise HitlessError(
            f"port {API_PORT} can't be both the dashboard's and one for applications",
            f"pass --no-dashboard, or another port than {API_PORT}",
        )
    if wanted.http3 and wanted.https_port in wanted.udp_ports:
        raise HitlessError(
            f"UDP port {wanted.https_port} can't be both for HTTP/3 and for applications",
            f"pass --no-http3, or --unpublish {wanted.https_port}/udp",
        )
    for port in set(wanted.own_ports) & set(wanted.ports):
        # Docker would give it to one of the two, and the other would be reached by nobody
        raise HitlessError(
            f"port {port} can't be both the gateway's own and one for applications",
            f"choose another one with --http-port or --https-port, or pass --unpublish {port}, too",
        )


def _refuse_unable(wanted: GatewaySettings) -> None:
    """Raise `HitlessError` if settings for HTTPS lack others."""
    if not wanted.acme_email and (wanted.acme_dns or wanted.acme_server):
        raise HitlessError(
            "the gateway gets no certificates without an account at the CA", "pass --acme-email, too"
        )
    if wanted.http3 and not wanted.https_port:
        raise HitlessError(
            "HTTP/3 is on the port for HTTPS, and the gateway has none",
            "pass --https-port 443, too, or --no-http3",
        )
    if wanted.acme_email and not wanted.https_port:
        raise HitlessError(
            "the gateway has no port for HTTPS, so certificates are of no use", "pass --https-port 443, too"
        )


def _refuse_to_forget(ports: Ports, present: GatewaySettings, wanted: GatewaySettings) -> None:
    """Raise `HitlessError` if applications need certificates of a CA that the gateway leaves."""
    # nobody trusts what a CA for tests has issued
    if present.challenge is None or present.ca == STAGING:
        return
    if wanted.challenge is not None and host_of(wanted.ca) == host_of(present.ca):
        return
    ports.certificates.obtained()  # raises an error if Traefik does not tell of them
    world = observe.world(ports, None)
    issued = [one.name for one in world.certificates if one.is_renewed]
    if users := needing(issued, world):
        raise HitlessError(
            f"without the certificates of {host_of(present.ca)} nobody would reach {told(users)}",
            "add certificates of yours for these names first (hitless gateway certificate add), or pass "
            "--forget-certificates and deploy these applications again",
        )


def _restart(
    session: Session, project: GatewayProject, present: GatewaySettings | None, wanted: GatewaySettings
) -> None:
    """Start the gateway, or restart the one that runs with the present settings.

    This has no journal: the journal's process and the lock are in the container, and end with it. Raises
    `HitlessError` also where the gateway runs and an application does not answer.
    """
    ports = session.ports

    def start_it() -> None:
        if silent := change(project, ports, present, wanted):
            raise HitlessError(
                f"the gateway is up, but {_shown(silent)} does not answer behind it{waits.refused(ports)}",
                "see hitless gateway status and logs; hitless -p NAME down removes it, to be deployed again",
            )

    kind = StepKind.RESTART_GATEWAY if present else StepKind.START_GATEWAY
    with undisturbed(session) if present else nullcontext():
        if present:
            refuse_waiting(ports)
        session.begin(0)
        announced(ports, StepId(kind), start_it)


def upgrade(
    session: Session, project: GatewayProject, changes: dict[str, Any], timeout: float = DRAIN_TIMEOUT
) -> tuple[GatewaySettings, bool, tuple[str, ...]]:
    """Upgrade the running gateway's Traefik to the image of this hitless, or to the image in `changes`.

    Returns what `up` returns. Also removes what a killed command has left beside the live Traefik. Raises
    `HitlessError` if there is no gateway, or if this would need a restart of it.
    """
    present = project.settings()
    if present is None or session.ports.balancer.gateway() is None:
        raise GatewayDown(session.ports.balancer.other_gateways())
    wanted = replace(present, **changes).up_to_date()
    if wanted == present:
        if not session.ports.instances.instances().idle:
            return present, False, ()
        session.lock_gateway(undisturbed(session))
        session.begin(0)
        session.perform(tidying(session.ports.instances.instances(), present, timeout))
        return present, True, ()
    return wanted, True, replace_traefik(session, project, present, wanted, timeout)


def replace_traefik(
    session: Session,
    project: GatewayProject,
    present: GatewaySettings,
    wanted: GatewaySettings,
    timeout: float = DRAIN_TIMEOUT,
    removed: Collection[Names] = (),
    first: Callable[[], None] = lambda: None,
) -> tuple[str, ...]:
    """Replace the live Traefik with one that has these settings. Loses no request. Returns messages.

    It is without the CA's certificates with exactly the `removed` host names. `first` is called when nobody
    else works on the gateway.
    """
    ports = session.ports
    if reason := ports.instances.unable_to_switch():
        raise HitlessError(
            f"new connections can't be given to another Traefik in this gateway: {reason}",
            "pass --replace to `hitless gateway up`: a restart, with no answers for a second or two",
        )
    refuse_unfit(project, wanted.image)
    _refuse_too_little(ports, wanted.memory_limit)
    said = put_right(ports, present)
    session.lock_gateway(undisturbed(session))
    refuse_waiting(ports)
    session.begin(0)
    first()
    answering = _answering(ports, present)
    certificates = succession(observe.world(ports, None), present, wanted, removed)
    plan = replacement(ports.instances.instances(), wanted, answering, timeout, certificates)
    session.perform(plan)
    if wanted.image != present.image:
        said = (f"Traefik's image is {wanted.image} now; it was {present.image}", *said)
    return said


def _refuse_too_little(ports: Ports, limit: int) -> None:
    """Raise `HitlessError` where two of what runs would not have room: the kernel would end the live one."""
    used = ports.instances.health().memory
    if 0 < limit < 2 * used:
        raise HitlessError(
            f"the gateway uses {megabytes(used)}, and twice that while one Traefik replaces another: "
            f"{megabytes(limit)} is too little",
            f"pass --memory-limit {2 * used / 2**20 + 1:.0f}m or more, or 0 for no limit",
        )


@contextmanager
def undisturbed(session: Session, but: str = "") -> Iterator[HeldLock | None]:
    """Keep other commands away from all applications of the running gateway, until its container ends.

    `but` is an application whose lock the session holds itself. Raises `Locked`, which names the commands
    and their applications.
    """
    with ExitStack() as held:
        yield _wait_until_alone(session, but, held)


def _wait_until_alone(session: Session, but: str, held: ExitStack) -> HeldLock | None:
    ports = session.ports
    began = ports.clock.now()
    is_told = False
    while True:
        wait, who = session.wait, "another command"
        error: Locked
        try:
            alone = held.enter_context(ports.state.alone(session.holder, but))
        except Locked as taken:
            error = taken
        else:
            at_work = alone.at_work
            if not at_work:
                return alone.lock
            held.close()  # the other commands may need a lock that this one holds
            who = "; ".join(f"{one.describe()} (on {name})" for name, one in at_work.items())
            error = _locked(at_work)
            if all(one.has_ended for one in at_work.values()):
                wait = max(wait, _REMNANT)
        if ports.clock.now() >= began + wait:
            raise error
        if not is_told:
            ports.emit(Waiting(but, who))
            is_told = True
        ports.clock.pause(_PAUSE)


def refuse_waiting(ports: Ports) -> None:
    """Raise `HitlessError` if requests wait for an application whose command was killed."""
    routings = ports.state.read(None).routings
    if waiting := sorted(name for name, routing in routings.items() if routing.waiting):
        name = waiting[0]
        raise HitlessError(
            f"requests for {', '.join(waiting)} wait, and would be lost: a command there was interrupted",
            f"finish it first: hitless resume -p {name}, or hitless abort -p {name}",
        )


def _locked(at_work: Mapping[str, Holder]) -> Locked:
    works = "; ".join(f"on {name}: {one.describe()}" for name, one in at_work.items())
    return Locked(
        f"another command works {works}",
        "wait until it has ended (--wait does), or free its lock with hitless unlock if it hangs; its "
        "lock ends with the gateway, in the middle of its work",
    )


def with_pool(project: GatewayProject, settings: GatewaySettings) -> GatewaySettings:
    """The settings with a pool of addresses for the networks of applications. Raises `HitlessError`."""
    if settings.address_pool:
        return settings
    if pool := project.free_pool():
        return replace(settings, address_pool=pool)
    raise HitlessError(
        "every address range that hitless can use for its networks is taken on this Docker host",
        "pass a free one with --address-pool: a private range with a prefix of at most /20",
    )


def refuse_unfit(project: GatewayProject, image: str) -> None:
    """Raise `HitlessError` if this host can't run the gateway with this image."""
    if outdated := project.outdated():
        raise HitlessError(
            outdated, "update it on the Docker host; see docker version, docker compose version"
        )
    if foreign := project.foreign():
        raise HitlessError(
            f"there are containers that hitless did not make in the gateway's project: {', '.join(foreign)}",
            "choose another name for the gateway with --gateway NAME, or remove them",
        )
    if lack := project.unfit(image):
        raise HitlessError(
            f"the image {image} {lack}",
            f"hitless gateway up --image {TRAEFIK_IMAGE}, or another one of 3.7 or newer",
        )


def start(project: GatewayProject, ports: Ports, settings: GatewaySettings) -> tuple[str, ...]:
    """Start the gateway with these settings, or replace it, and wait until every application answers.

    Returns the applications that do not: Traefik refuses their routing file, or it has no good copy.
    """
    project.apply(settings)
    deadline = ports.clock.now() + _ANSWER_TIMEOUT
    while not project.answers():
        if ports.clock.now() > deadline:
            raise TimedOut(
                f"Traefik did not answer within {_ANSWER_TIMEOUT:.0f} s of its start",
                "see `hitless gateway logs`",
            )
        ports.clock.pause(_PAUSE)
    ports.instances.instances()  # another container, and the first instance in it
    ports.state.heal()
    ports.balancer.certify(settings.https_port > 0)
    ports.balancer.show_dashboard(settings.dashboard)
    stored = ports.state.read(None)
    silent = waits.until_all_answer(ports, stored.routings, settings.entry_points)
    unread = {path.removesuffix(".yml") for path in stored.broken} - set(stored.routings)
    # Traefik still routes by its memory if a file was damaged after its start
    return tuple(sorted({*silent, *(name for name in unread if ports.balancer.in_force(name, None))}))


def change(
    project: GatewayProject, ports: Ports, present: GatewaySettings | None, wanted: GatewaySettings
) -> tuple[str, ...]:
    """Start the gateway with these settings. If that fails, start it with the present ones again, if any.

    Docker reports a taken port only when the old gateway has stopped, and its applications with it. It also
    counts as a failure if an application does not answer that answered before. Returns the applications that
    answer neither before nor after.
    """
    before = _answering(ports, present) if present is not None else frozenset()
    try:
        silent = start(project, ports, wanted)
        if lost := before & set(silent):
            raise HitlessError(
                f"with these settings {_shown(tuple(sorted(lost)))} does not answer behind the gateway"
                f"{waits.refused(ports)}",
                "see hitless gateway logs",
            )
        return silent
    except BaseException as error:
        if present is not None:
            undo(ports, error, lambda: start(project, ports, present))
        raise


def put_right(ports: Ports, settings: GatewaySettings) -> tuple[str, ...]:
    """Put back what is damaged on a running gateway's disk and has a copy; says so, and what has none."""
    healed = ports.state.heal()
    ports.balancer.certify(settings.https_port > 0)
    return (
        *(f"{path} was damaged or gone, and is as it was again, from its last good copy" for path in healed),
        *ports.state.read(None).broken.values(),
    )


def _answering(ports: Ports, settings: GatewaySettings) -> frozenset[str]:
    return waits.answering(ports, ports.state.read(None).routings, settings.entry_points)


def undo(ports: Ports, error: BaseException, step: Callable[[], object]) -> None:
    """Undo a part of what failed with this error. If that fails, too, the error says so."""
    ports.emit(Undoing((), 0.0))
    try:
        step()
    except HitlessError as second:
        if isinstance(error, HitlessError):
            error.is_unfinished = True
            error.hint = "; ".join(
                filter(None, (error.hint, f"restoring the previous state failed, too: {second.message}"))
            )


def down(
    session: Session, project: GatewayProject, applications: Sequence[str], force: bool, volumes: bool
) -> None:
    """Stop the gateway. Without `force`, refuses while it has applications, or (`Locked`) commands."""
    settings = project.settings()
    if settings is None:
        raise HitlessError("there is no gateway here", "nothing to do")
    is_asked = not force and session.ports.balancer.gateway() is not None
    with undisturbed(session) if is_asked else nullcontext():
        if applications and not force:
            raise HitlessError(
                f"the gateway still routes {', '.join(applications)}",
                "take them down first (hitless -p NAME down), or pass --force to cut them off",
            )
        project.remove(settings, volumes)


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(shown(address, port) for port, address in value.items()) or "none"
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    return repr(value) if value != "" else "every address"
