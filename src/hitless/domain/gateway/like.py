"""A gateway like the Traefik that somebody runs himself: what each of its settings is here. Pure.

`hitless gateway up --like` shows it, and has the options from here. Traefik's settings, with their defaults:
doc.traefik.io/traefik/reference/install-configuration.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from hitless.domain.gateway import like_entry_points, like_resolvers
from hitless.domain.gateway.like_model import Kind, Like, Setting, is_in, is_on
from hitless.domain.gateway.own_traefik import OwnTraefik
from hitless.domain.gateway.settings import API_PORT


def read(own: OwnTraefik, given: Collection[str] = (), without: Collection[str] = ()) -> Like:
    """What hitless makes of each setting. `given` are the options of the command line, which win (`--bind`).

    `without` are names of settings that are not looked at, with all below them.
    """
    names = {one.lower() for one in without}
    settings = {
        name: value
        for name, value in own.settings.items()
        if not any(is_in(name, one) for one in names) and value != ""
    }
    entries = like_entry_points.read(settings, own.ports)
    has_https = "--https-port" in given or any(one.option == "--https-port" for one in entries)
    authorities, variables = like_resolvers.read(settings, own.variables, given, has_https)
    taken = [one.value.rpartition(":")[2] for one in entries if one.option in _OWN_PORTS]
    others = tuple(_others(settings, str(API_PORT) in taken))
    unknown = tuple(
        Setting(one, Kind.OPEN, said="is named by --without, and is not in the file")
        for one in sorted(names)
        if not any(is_in(name, one) for name in own.settings)
    )
    found = (*entries, *authorities, *others, *_labels(own.labels), *unknown)
    return Like(tuple(dict.fromkeys(_won(one, given) for one in found)), variables)


_OWN_PORTS = ("--http-port", "--https-port", "--publish")
# these add to what the command line names
_ADDED = ("--publish", "--entry-point-alias")


def _won(one: Setting, given: Collection[str]) -> Setting:
    """The same, if the command line does not name its option."""
    if one.option in given and one.option not in _ADDED:
        return Setting(one.name, Kind.DEFAULT, said=f"{one.option} of the command line is taken")
    return one


def _labels(labels: Collection[str]) -> Iterator[Setting]:
    if any(label.lower().startswith("traefik.http.middlewares.") for label in labels):
        yield Setting(
            "labels of its container",
            Kind.LEFT,
            said="middlewares: write them in a file, and hitless gateway config add FILE",
        )


_TRANSPORTS = "x-hitless.servers_transports in the Compose files whose containers speak https"
# By prefix, the longest wins: what the gateway does by itself, and what to do instead of what it can't
_ELSEWHERE: Mapping[str, tuple[Kind, str]] = {
    "providers.docker": (Kind.DEFAULT, "hitless reads the labels; --docker-provider is for other containers"),
    "providers.docker.defaultrule": (Kind.LEFT, "give each router a rule in its labels"),
    "providers.providersthrottleduration": (Kind.DEFAULT, "the gateway has its own"),
    "providers.file": (
        Kind.LEFT,
        "middlewares: hitless gateway config add FILE; certificates: hitless gateway certificate add; TLS "
        "options: x-hitless.tls_options; routes: labels",
    ),
    "providers": (Kind.LEFT, "only labels in Compose files are read"),
    "global": (Kind.DEFAULT, "the gateway sends nothing, and asks for no newer release"),
    "log": (Kind.DEFAULT, "see hitless gateway logs"),
    "ping": (Kind.DEFAULT, "the gateway has a health check"),
    "accesslog": (Kind.LEFT, "a line is JSON without headers and query, in the container's log"),
    "metrics": (Kind.LEFT, "hitless gateway metrics shows them as Prometheus reads them"),
    "certificatesresolvers": (Kind.LEFT, "the gateway has one, for ACME"),
    "experimental.fastproxy": (Kind.LEFT, "--fast-proxy has it, and loses some requests"),
    "experimental.plugins": (Kind.LEFT, "the gateway has no plugins"),
    "serverstransport": (Kind.LEFT, "the gateway has its own timeouts to containers"),
    "serverstransport.insecureskipverify": (Kind.LEFT, _TRANSPORTS),
    "serverstransport.rootcas": (Kind.LEFT, _TRANSPORTS),
    "pilot": (Kind.DEFAULT, "it has ended"),
    # of Traefik 1
    "docker": (Kind.DEFAULT, "hitless reads the labels"),
    "defaultentrypoints": (Kind.DEFAULT, "a route without entry points is on web"),
    "loglevel": (Kind.DEFAULT, "see hitless gateway logs"),
    "debug": (Kind.DEFAULT, "see hitless gateway logs"),
}
_NOT_KNOWN = (Kind.LEFT, "the gateway has no such setting")


def _others(settings: Mapping[str, str], is_api_port_taken: bool) -> Iterator[Setting]:
    """All but entry points and certificate resolvers; one line for each part of `_ELSEWHERE`."""
    rest = dict(settings)
    for group, option in (("accesslog", "--access-log"), ("metrics.prometheus", "--metrics")):
        if is_on(settings, group):
            yield Setting(group, Kind.OPTION, option)
        rest.pop(group, None)
    # where they go is nothing that the gateway asks for
    rest.pop("metrics.prometheus.entrypoint", None)
    if is_on(settings, "api"):
        yield _dashboard(settings, is_api_port_taken)
    for name, value in rest.items():
        top = name.partition(".")[0]
        # as if it was not there
        is_off = value.lower() == "false" and top in ("accesslog", "metrics", "tracing", "experimental")
        if top in ("entrypoints", "certificatesresolvers", "acme", "api") or is_off:
            continue
        group = max((one for one in _ELSEWHERE if is_in(name, one)), key=len, default="")
        kind, said = _ELSEWHERE.get(group, _NOT_KNOWN)
        yield Setting(group if kind is Kind.DEFAULT else name, kind, said=said)


def _dashboard(settings: Mapping[str, str], is_port_taken: bool) -> Setting:
    # Traefik has it by default where it has the API
    if settings.get("api.dashboard", "true").lower() == "false" or settings.get("api", "").lower() == "false":
        return Setting("api", Kind.DEFAULT, said="no dashboard, as here")
    if is_port_taken:
        return Setting("api", Kind.LEFT, said=f"the dashboard needs port {API_PORT}, which is taken here")
    said = f"on 127.0.0.1:{API_PORT} alone; a route of labels to api@internal is not taken"
    return Setting("api", Kind.OPTION, "--dashboard", said=said)
