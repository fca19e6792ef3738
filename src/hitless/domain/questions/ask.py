"""What hitless can't know from a Compose file, and its user can: the questions that are open. Pure.

Two copies of a service run for a while in each deployment. So no default lets two of them write to one place,
and none makes a service's data end with a release.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from hitless.domain.application.model import Application, Role, Service
from hitless.domain.checks.no_route import likely_webs
from hitless.domain.checks.service import anonymous_volumes, data_of, written_twice
from hitless.domain.common.foreign import Json
from hitless.domain.questions.model import Option, Question, extension
from hitless.domain.routing import published
from hitless.domain.routing.model import Protocol, Routes

WEB = "web"
_NONE = "none"
_SIDE_BY_SIDE = "The old and the new one run side by side for a while."
_HTTP_PORTS = "HTTP: each request goes to the live release"
_TCP_PORTS = "another protocol: each new connection goes to the live release"


def open_questions(application: Application, asked: Collection[str] = ()) -> Iterator[Question]:
    """What is open now. `asked` are the names of questions that were answered in this dialogue.

    The roles follow from the routes. So without a route, which service is to have one is asked first, and
    nothing else if none can.
    """
    if not application.routes.routers:
        yield from _web(application)
        return
    if not application.having(Role.WEB):
        yield from _replaced(application)
    # First what may make a service a shared one: that publishes its ports itself. And a web service that
    # writes may be shared only beside another one.
    services = [one for one in application.services if one.role is not Role.GATEWAY]
    for service in services:
        if service.doubt and not application.is_web(service.name):
            yield _role(application, service)
    for service in application.having(Role.WORKER):
        yield from _volumes(application, service)
    for service in application.having(Role.WORKER):
        if _has_own_ports(application, service):
            yield _ports(application, service)
    for service in application.having(Role.WEB):
        yield from _volumes(application, service)
    for service in services:
        yield from _protocol(application, service, asked)


def _has_own_ports(application: Application, service: Service) -> bool:
    """Whether each copy of a service would publish a port itself."""
    return not service.publish and bool(
        published.published_ports(application.model["services"][service.name])
    )


def _web(application: Application) -> Iterator[Question]:
    """Which service the gateway is to send requests to, by the ports that it publishes."""
    services = {one.name: one for one in application.services}
    likely = [services[name] for name in likely_webs(application)]
    options = []
    for service in (one for one in likely if _can_have_ports(application, one)):
        ports = published.published_ports(application.model["services"][service.name])
        numbers = ", ".join(str(port["published"]) for port in ports)
        meaning = f"the gateway publishes {numbers} for it, and each deployment replaces it"
        options.append(_reached(application, service, service.name, meaning, publish="gateway"))
    if options:
        harmless = [one.word for one in options if _is_harmless(application, services[one.word])]
        yield _which("Which service do people reach? None has a route.", options, harmless)


def _replaced(application: Application) -> Iterator[Question]:
    """Which service with a route a deployment is to replace, if all of them keep data and run once."""
    could = [
        one for one in application.shared_with_route if not one.product and not _said_role(application, one)
    ]
    meaning = "each deployment replaces it"
    options = [_reached(application, one, one.name, meaning, role=str(Role.WEB)) for one in could]
    if options:
        harmless = [one.name for one in could if _is_harmless(application, one)]
        yield _which("Which service with a route do deployments replace?", options, harmless)


def _which(asked: str, options: list[Option], harmless: list[str]) -> Question:
    options = [*options, Option(_NONE, "no service: nothing can be deployed without one", {})]
    return Question(WEB, asked, tuple(options), harmless[0] if harmless else _NONE)


def _can_have_ports(application: Application, service: Service) -> bool:
    """Whether the gateway could publish the ports of a service in its place, and nothing else keeps it."""
    model = application.model["services"][service.name]
    said = _said_role(application, service)
    if said not in ("", Role.WEB) or service.role is Role.JOB or model.get("network_mode"):
        return False
    return not published.read(service.name, model, True, None, Routes())[1]


def _said_role(application: Application, service: Service) -> str:
    """The role that the file names, "" for none."""
    roles = extension(application.model).get("roles")
    role = extension(application.model["services"][service.name]).get("role")
    return str(role or (roles.get(service.name) if isinstance(roles, Mapping) else None) or "")


def _shared_writes(
    application: Application, service: Service, word: str, meaning: str, **keys: object
) -> Option:
    """An option by which each release has a copy of a service; it names what both of them write to."""
    data = data_of(application, service)
    if data:
        meaning += f"; for a while two copies write to {', '.join(data)}: only if they can"
        keys["concurrent_writes"] = True
    return Option(word, meaning, _says(service, **keys))


def _reached(application: Application, service: Service, word: str, meaning: str, **keys: object) -> Option:
    """An option by which people reach a service of the release."""
    data = data_of(application, service)
    if data and service.replicas != 1:
        return _shared_writes(application, service, word, meaning, **keys)
    if data:
        meaning += f"; requests wait at that time, as one copy alone writes to {', '.join(data)}"
        keys["exclusive"] = True
    return Option(word, meaning, _says(service, **keys))


def _shared(service: Service, answer: str) -> Option:
    """The answer that can't harm data, whatever the question is."""
    meaning = f"{answer}: one runs for all releases, and no deployment touches it"
    return Option("shared", meaning, _says(service, role=str(Role.SHARED)))


def _alone(service: Service) -> Option:
    meaning = "no: a deployment stops the old one, and then starts the new one"
    return Option("alone", meaning, _says(service, exclusive=True))


def _role(application: Application, service: Service) -> Question:
    own = _shared_writes(application, service, "worker", "yes: a new one with each release", role="worker")
    if _has_own_ports(application, service) and _can_have_ports(application, service):
        meaning = "yes: a new one with each release, and the gateway publishes its ports"
        own = _reached(application, service, "worker", meaning, publish="gateway")
    return Question(
        f"{service.name}.role",
        f"Does each release get a {service.name} of its own? {service.doubt}.",
        (_shared(service, "no"), own),
        "shared",
    )


def _protocol(application: Application, service: Service, asked: Collection[str]) -> Iterator[Question]:
    """What its published ports speak: one protocol for all of them."""
    model = application.model["services"][service.name]
    ports = published.published_ports(model)
    if extension(model).get("protocol"):
        return
    ports = [port for port in ports if port.get("protocol") != Protocol.UDP]  # that is no question
    usual = {published.usual_protocol(int(port["target"])) for port in ports}
    said_now = {WEB, f"{service.name}.ports", f"{service.name}.role"} & {*asked}
    if said_now and extension(model).get("publish") == "gateway":
        # it was said a moment ago that people reach it
        unsure = [str(port["published"]) for port in ports] if usual - {Protocol.HTTP} else []
        default = Protocol.HTTP if usual == {None} and len(ports) == 1 else Protocol.TCP
        options = _protocols(service, publish="gateway")
    elif service.publish and not extension(model).get("publish"):
        unsure = list(published.unsure_ports(model, _routes_of_labels(application, service)))
        default = Protocol.HTTP if Protocol.HTTP in usual else Protocol.TCP
        options = (
            *_protocols(service),
            Option(_NONE, "nobody needs the port", _says(service, publish="none")),
        )
    else:
        return
    if unsure:
        # HTTP over a port of raw TCP works, too; the other way round nobody is answered
        yield Question(
            f"{service.name}.protocol",
            f"What do clients speak on {', '.join(unsure)} of {service.name}? The gateway publishes it.",
            options,
            default,
        )


def _protocols(service: Service, **keys: object) -> tuple[Option, ...]:
    return (
        Option(Protocol.HTTP, _HTTP_PORTS, _says(service, **keys, protocol=str(Protocol.HTTP))),
        Option(Protocol.TCP, _TCP_PORTS, _says(service, **keys, protocol=str(Protocol.TCP))),
    )


def _routes_of_labels(application: Application, service: Service) -> Routes:
    backends = application.routes.backends_of(service.name)
    return Routes(backends=tuple(one for one in backends if not one.name.rpartition(".")[2].isdecimal()))


def _ports(application: Application, service: Service) -> Question:
    """Who publishes the ports of a service that has a copy in each release."""
    model = application.model["services"][service.name]
    ports = ", ".join(str(port["published"]) for port in published.published_ports(model))
    options = [
        _shared(service, "itself"),
        _shared_writes(application, service, _NONE, "nobody needs the port", publish="none"),
    ]
    can = _can_have_ports(application, service)
    if can:
        meaning = "the gateway, for a copy in each release"
        options.insert(0, _reached(application, service, "gateway", meaning, publish="gateway"))
    return Question(
        f"{service.name}.ports",
        f"Who publishes {ports} of {service.name}? Two copies of it can't.",
        tuple(options),
        "gateway" if can and _is_harmless(application, service) else "shared",
    )


def _volumes(application: Application, service: Service) -> Iterator[Question]:
    """Whether two copies of a service may write, and if not, which one runs."""
    lost = anonymous_volumes(service, application.model["services"][service.name])
    data = written_twice(application, service)
    if lost and service.role is Role.WORKER:
        yield Question(
            f"{service.name}.volumes",
            f"Does {service.name} keep data in {', '.join(lost)}? A new copy of it starts without.",
            (
                _shared(service, "yes"),
                _shared_writes(application, service, "worker", "no", concurrent_writes=True),
            ),
            "shared",
        )
    elif data:
        options, usual = _writers(application, service)
        yield Question(
            f"{service.name}.volumes",
            f"May two copies of {service.name} write to {', '.join(data)}? {_SIDE_BY_SIDE}",
            (*options, Option("two", "yes", _says(service, concurrent_writes=True))),
            usual,
        )


def _writers(application: Application, service: Service) -> tuple[tuple[Option, ...], str]:
    """The answers by which one writes, and the default: a release without a web service is of no use."""
    shared = _shared(service, "no")
    if service.role is Role.WORKER:
        return (
            ((shared,), "shared")
            if _has_own_ports(application, service)
            else ((_alone(service), shared), "alone")
        )
    says_ports = {"publish", "protocol"} & {*extension(application.model["services"][service.name])}
    options = () if says_ports or len(application.having(Role.WEB)) == 1 else (shared,)
    if service.replicas == 1:
        meaning = "no: requests wait while the old one stops and the new one starts"
        return (Option("alone", meaning, _says(service, exclusive=True)), *options), "alone"
    later = Option("later", "not known yet: nothing is written, and no release is deployed", {})
    return (*options, later), "shared" if options else "later"


def _is_harmless(application: Application, service: Service) -> bool:
    """Whether a new copy of a service has what the one before it wrote, and one at a time writes there."""
    lost = anonymous_volumes(service, application.model["services"][service.name])
    return not lost and (service.replicas == 1 or not data_of(application, service))


def _says(service: Service, **keys: object) -> dict[str, Json]:
    return {service.name: dict(keys)}
