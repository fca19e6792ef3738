"""What is wrong on a Docker host, and what helps: a table of checks over what was seen. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
from typing import TypeAlias

from hitless.domain.common.durations import ago, duration
from hitless.domain.common.events import Operation
from hitless.domain.common.foreign import foreign
from hitless.domain.gateway.acme import Challenge
from hitless.domain.gateway.certificates import covering
from hitless.domain.gateway.versions import too_old
from hitless.domain.host.certificates import certificate_statuses, hosts_over_tls
from hitless.domain.host.facts import Asked, Facts
from hitless.domain.host.leftovers import Known, data_left, leftovers
from hitless.domain.routing.entry_points import written

_LATE = 5.0  # seconds by which a clock may be wrong before somebody notices: tokens, certificates
QUIET = 60.0  # a command that works gives a sign of life every 5 s
_LITTLE, _TOO_LITTLE = (
    2 * 10**9,
    200 * 10**6,
)  # free bytes, for an image and for what hitless writes
_FEW_INODES = 10_000
_HTTP = 80


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True)
class Diagnosis:
    """What one check has found. `remedy` is what to do, "" for nothing; `--fix` does it if `is_fixable`."""

    check: str
    level: Level
    message: str = foreign()
    remedy: str = foreign("")
    is_fixable: bool = False


_Found: TypeAlias = tuple[Level, str] | tuple[Level, str, str] | tuple[Level, str, str, bool]
_Check: TypeAlias = Callable[[Facts], Iterator[_Found]]
OK, WARNING, ERROR = Level.OK, Level.WARNING, Level.ERROR


def diagnose(facts: Facts) -> tuple[Diagnosis, ...]:
    """What each check of the table has found, in its order."""
    return tuple(_each(facts))


def known(facts: Facts) -> Known | None:
    """What the gateway itself knows; None if it could not be asked for all of it."""
    seen = facts.overview
    if facts.world.gateway is None or seen is None or facts.belongings is None:
        return None
    # a file that can't be read may say that anything is live
    unread = {path.removesuffix(".yml") for path in facts.world.broken}
    return Known(
        gateway=facts.gateway,
        routings=facts.world.routings,
        kept=seen.kept,
        busy={*seen.holders, *seen.interrupted, *unread},
        idle=facts.idle,
        old_logs=seen.old_logs,
        copies=seen.copies,
    )


def _each(facts: Facts) -> Iterator[Diagnosis]:
    for name, needs_engine, look, check in CHECKS:
        if needs_engine and facts.engine is None:
            continue  # one cause, one message
        if look in facts.failed:
            yield Diagnosis(name, WARNING, f"could not be looked at: {facts.failed[look]}")
            continue
        for found in check(facts):
            yield Diagnosis(name, *found)


def _engine(facts: Facts) -> Iterator[_Found]:
    engine = facts.engine
    if engine is None:
        yield ERROR, facts.failed.get("engine", "the Docker engine does not answer"), "docker version"
    elif old := too_old(engine.version, ""):
        yield ERROR, old, "update Docker Engine on the Docker host"
    else:
        yield (
            OK,
            f"Docker Engine {engine.version}, API {engine.api}, on {engine.system or 'an unknown system'}",
        )


def _compose(facts: Facts) -> Iterator[_Found]:
    if not facts.compose:
        yield ERROR, "there is no Docker Compose here", "install Docker's Compose plug-in, 2.20 or newer"
    elif old := too_old("", facts.compose):
        yield ERROR, old, "update Docker's Compose plug-in on this machine"
    else:
        yield OK, f"Docker Compose {facts.compose}"


def _clock(facts: Facts) -> Iterator[_Found]:
    wrong = {name: one for name, one in facts.clocks.items() if abs(one.ahead) > _LATE + one.exact_to}
    for name, one in wrong.items():
        which = "ahead of" if one.ahead > 0 else "behind"
        yield (
            WARNING,
            f"the clock of the {name} is {duration(abs(one.ahead))} {which} this machine's",
            "set both by NTP: timedatectl set-ntp true",
        )
    if facts.clocks and not wrong:
        yield OK, f"this machine and the {' and the '.join(facts.clocks)} agree within {_LATE:.0f} s"


def _gateway(facts: Facts) -> Iterator[_Found]:
    container, settings = facts.container, facts.settings
    if container is None or settings is None:
        others = facts.world.others
        meant = f", or --gateway NAME for one that runs: {', '.join(others)}" if others else ""
        yield ERROR, f"there is no gateway {facts.gateway} on the Docker host", f"hitless gateway up{meant}"
        return
    if container.state != "running":
        yield ERROR, f"the gateway's container is {container.state}", "hitless gateway up"
        return
    if facts.health and not facts.health.answers:
        yield ERROR, "Traefik does not answer in the gateway", "hitless gateway logs"
    elif facts.health:
        yield OK, f"Traefik {facts.traefik or 'of an unknown version'} ({settings.image}) answers"
        if facts.health.restarts:
            again = f"Docker has started the gateway again {facts.health.restarts} times"
            yield WARNING, f"{again} because it had ended", "hitless gateway logs"
    newest = settings.up_to_date().image
    if newest != settings.image:
        yield WARNING, f"this hitless would start {newest}", "hitless gateway upgrade"
    if not container.is_current:
        yield (
            WARNING,
            "another version of hitless has made the gateway's container: it works, without what is new",
            "hitless gateway up --replace (no answers for a second or two)",
        )


def _ports(facts: Facts) -> Iterator[_Found]:
    settings = facts.settings
    for port, who in facts.holders.items():
        where = f"port {port} of the host"
        if settings and port in settings.held:
            yield WARNING, f"{where} is with {who}: the gateway does not publish it yet", "hitless adopt"
        else:
            yield ERROR, f"{where} is taken by {who}", "stop that, or hitless gateway up --http-port PORT"
    if settings and facts.container and facts.container.state == "running":
        there = [written(at, port) for port, at in settings.published.items()]
        there += [written(at, port, over_udp=True) for port, at in settings.published_udp.items()]
        if there:
            yield OK, f"the gateway has {', '.join(there)}"
    elif not facts.holders:
        wanted = ", ".join(map(str, settings.published)) if settings else str(_HTTP)
        yield OK, f"nobody is seen at port {wanted} of the host"


def _files(facts: Facts) -> Iterator[_Found]:
    for problem in facts.world.broken.values():
        yield ERROR, problem, "deploy that application again, or hitless -p NAME down"
    for problem in facts.world.restored.values():
        yield WARNING, problem, "hitless gateway up", True
    if not (facts.world.broken or facts.world.restored):
        routed = len(facts.world.routings)
        yield OK, f"the routes of {routed} application{'' if routed == 1 else 's'} are whole"


def _applications(facts: Facts) -> Iterator[_Found]:
    busy = facts.overview.holders if facts.overview else {}
    for name, routing in sorted(facts.world.routings.items()):
        if routing.live is None or name in busy:
            continue
        there = [one for one in facts.world.containers if one.application == name]
        if routing.waiting:
            yield (
                ERROR,
                f"nobody answers for {name}: requests wait {routing.waiting.timeout:.0f} s and get 503",
                f"hitless -p {name} resume, or abort",
            )
        elif not any(one.is_running for one in there if one.colour is routing.live):
            yield (
                ERROR,
                f"no container of {name} is running, and it is live",
                f"hitless -p {name} deploy",
            )
        elif sick := [one.name for one in there if one.colour is routing.live and one.health == "unhealthy"]:
            yield WARNING, f"{', '.join(sick)} is unhealthy", f"hitless -p {name} logs"
        else:
            yield OK, f"{name} is live: {routing.live}, release {routing.colours[routing.live].release}"


def _names(facts: Facts) -> Iterator[_Found]:
    own = {*facts.addresses}
    public = sorted(one for one in own if ip_address(one).is_global)
    for name, found in facts.names.items():
        if name.endswith(".localhost") or name == "localhost":
            yield OK, f"{name} leads to the machine that asks (RFC 6761): good for tests there"
        elif found is None:
            yield WARNING, f"{name}: no answer of the DNS in time", "is this machine's DNS server up?"
        elif not found:
            yield (
                WARNING,
                f"{name} has no address, as seen from here: visitors do not find it",
                f"give it a record in the DNS that leads to {' or '.join(public) or 'the host'}",
            )
        elif own & {*found} or all(ip_address(one).is_loopback for one in found):
            yield OK, f"{name} leads to the Docker host ({', '.join(found)})"
        elif any(_is_same(facts.asked.get(one)) for one in found):
            yield OK, f"{name} leads to {', '.join(found)}, and from there to this gateway"
        elif public:
            yield (
                WARNING,
                f"{name} leads to {', '.join(found)}, and the host has {', '.join(sorted(own))}",
                "right with a proxy or a load balancer in front; else correct the record in the DNS",
            )
        else:
            yield (
                WARNING,
                f"{name} leads to {', '.join(found)}; the host's own address on the internet can't be seen "
                "from here",
                "compare it with what your provider shows",
            )


def _asked(facts: Facts) -> Iterator[_Found]:
    settings = facts.settings
    if settings is None or facts.world.gateway is None:
        return
    if settings.http_port != _HTTP:
        needs = settings.challenge is Challenge.HTTP
        yield (
            WARNING if needs else OK,
            f"the gateway has port {settings.http_port} for HTTP: a proxy must lead port 80 to it"
            if needs
            else f"the gateway is asked on port {settings.http_port}, not on 80",
            "hitless gateway up --http-port 80, because the CA asks there" if needs else "",
        )
    for address, answer in facts.asked.items():
        where = written(address, settings.http_port)
        if answer.is_same:
            yield (
                OK,
                f"{where} answers, asked from the gateway itself; this proves nothing about a firewall "
                "between the internet and the host",
            )
        elif answer.status:
            yield (
                WARNING,
                f"{where} answers {answer.status}, and not as this gateway does",
                "does the name lead to another server, or to a proxy in front of this one?",
            )
        else:
            yield (
                WARNING,
                f"{where} can't be asked from the gateway itself ({answer.said}); some hosts can't reach "
                "themselves from inside, so ask it from outside, too",
                f"curl -I http://{where}",
            )


def _certificates(facts: Facts) -> Iterator[_Found]:
    world = facts.world
    for one in certificate_statuses(world):
        names, ends = ", ".join(one.names), f"until {one.not_after[:10]} ({one.days} days)"
        if one.days < 0:
            yield (
                ERROR,
                f"the certificate for {names} has ended {one.not_after[:10]}",
                _renewal(one.is_renewed),
            )
        elif one.is_near_its_end:
            yield WARNING, f"the certificate for {names} is good {ends}", _renewal(one.is_renewed)
        else:
            yield OK, f"the certificate for {names} is good {ends}"
    for application, routing in sorted(world.routings.items()):
        without = [h for h in hosts_over_tls(routing) if not covering(world.certificates, h, world.now)]
        if without:
            yield (
                ERROR,
                f"{', '.join(without)} of {application} has routes over HTTPS and no certificate",
                "hitless gateway certificate add, or hitless gateway up --acme-email and deploy it again",
            )
    for host, tries in sorted(world.failures.items()):
        yield WARNING, f"the CA refused a certificate for {host} {ago(tries[0])}", "hitless gateway logs"


def _renewal(is_renewed: bool) -> str:
    return (
        "hitless gateway logs: it should have been renewed"
        if is_renewed
        else "hitless gateway certificate add"
    )


def _disk(facts: Facts) -> Iterator[_Found]:
    room = facts.overview.room if facts.overview else None
    if room is None:
        return
    said = (
        f"{size(room.free)} of {size(room.total)} are free on Docker's disk "
        f"({facts.engine.root if facts.engine else ''}); the gateway's state has {size(room.state)}"
    )
    level = ERROR if room.free < _TOO_LITTLE else WARNING if room.free < _LITTLE else OK
    yield level, said, "" if level is OK else "hitless prune, and docker system df shows what else there is"
    if room.inodes is not None and room.inodes < _FEW_INODES:
        yield WARNING, f"only {room.inodes} more files fit on Docker's disk (inodes)", "docker system df -v"


def _usage(facts: Facts) -> Iterator[_Found]:
    for one in facts.usage:
        if one.count:
            yield OK, f"{one.kind}: {one.count}, {one.size}; {one.reclaimable} of that is not in use"


def _leftovers(facts: Facts) -> Iterator[_Found]:
    seen = known(facts)
    if seen is None or facts.belongings is None:
        return
    found = leftovers(facts.belongings, seen)
    if found:
        counts = Counter(one.kind for one in found)
        kinds = ", ".join(f"{kind}: {count}" for kind, count in counts.items())
        most = sum(one.size for one in found)
        yield WARNING, f"nobody needs what is left ({kinds}): {size(most)} at most", "hitless prune", True
    else:
        yield OK, "nothing is left that nobody needs"
    if data := data_left(facts.belongings, seen):
        yield (
            WARNING,
            f"volumes with data of applications that are gone: {', '.join(data)}",
            "if nobody needs the data: docker volume rm",
        )


def _locks(facts: Facts) -> Iterator[_Found]:
    seen = facts.overview
    if seen is None:
        return
    holders = {**seen.holders, **({"the gateway": seen.lock} if seen.lock else {})}
    for name, one in sorted(holders.items()):
        if name in facts.dead:
            yield (
                WARNING,
                f"{name} is locked by a dead command: {one.describe()}",
                f"hitless unlock -p {name}",
                True,
            )
        elif one.quiet > QUIET:
            yield WARNING, f"{name} is locked by {one.describe()}", f"if it hangs: hitless unlock -p {name}"
        else:
            yield OK, f"a command works on {name}: {one.describe()}"
    if not holders:
        yield OK, "nobody has a lock"


def _interrupted(facts: Facts) -> Iterator[_Found]:
    seen = facts.overview
    if seen is None:
        return
    for name, run in sorted(seen.interrupted.items()):
        what = f"{run.operation} of {name}" + (f", release {run.release}," if run.release else "")
        remedy = "adopt" if run.operation == Operation.ADOPT else "resume, abort, or deploy"
        since = ago(seen.quiet.get(name, 0.0))
        yield WARNING, f"{what} was interrupted {since} (by {run.holder})", f"hitless -p {name} {remedy}"
    if not seen.interrupted:
        yield OK, "no command was interrupted"


def _file(facts: Facts) -> Iterator[_Found]:
    if facts.file and facts.file.problem:
        yield ERROR, f"the Compose file can't be read: {facts.file.problem}", "docker compose config"
    elif facts.file:
        yield OK, f"the Compose file here is that of {facts.file.application}; hitless plan checks it"


CHECKS: tuple[tuple[str, bool, str, _Check], ...] = (
    # name, whether only a running engine can tell, the look that it needs, the check itself
    ("engine", False, "", _engine),
    ("compose", False, "compose", _compose),
    ("file", False, "file", _file),
    ("clock", True, "", _clock),
    ("gateway", True, "gateway", _gateway),
    ("ports", True, "ports", _ports),
    ("routes", True, "world", _files),
    ("applications", True, "world", _applications),
    ("dns", True, "names", _names),
    ("reachable", True, "asked", _asked),
    ("certificates", True, "world", _certificates),
    ("disk", True, "overview", _disk),
    ("usage", True, "usage", _usage),
    ("leftovers", True, "belongings", _leftovers),
    ("locks", True, "overview", _locks),
    ("interrupted", True, "overview", _interrupted),
)
"""Every check, in the order in which they are shown."""


def size(count: int) -> str:
    """A number of bytes for people, as Docker writes it: `1.4 GB`."""
    for unit, noun in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if count >= unit:
            return f"{count / unit:.1f} {noun}"
    return f"{count} B"


def _is_same(answer: Asked | None) -> bool:
    return answer is not None and answer.is_same
