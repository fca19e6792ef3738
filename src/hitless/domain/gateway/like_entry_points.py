"""The entry points of somebody's Traefik as ports of the gateway. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from hitless.domain.common.durations import seconds
from hitless.domain.gateway.like_model import Kind, Setting, groups, is_in, is_on
from hitless.domain.gateway.own_traefik import Published
from hitless.domain.routing import entry_points
from hitless.domain.routing.entry_points import WEB, WEBSECURE

_TOP = "entrypoints"
_ADDRESS = re.compile(r"(?P<host>.*):(?P<port>\d{1,5})(?:/(?P<protocol>tcp|udp))?")
_HTTP_PORT, _HTTPS_PORT = 80, 443
_PLAIN = "a router with neither entry points nor tls stays plain HTTP: give it entrypoints=websecure"
_BY_LABELS = "routers get it by their labels: write it there, and pass --without"
# what stands below an entry point, the longest prefix wins
_BELOW: Mapping[str, tuple[Kind, str]] = {
    "http.redirections": (Kind.DEFAULT, f"routes over HTTPS have it; {_PLAIN}"),
    "redirect": (Kind.DEFAULT, f"routes over HTTPS have it; {_PLAIN}"),
    "http.tls": (Kind.DEFAULT, f"routes on websecure have it; {_PLAIN}"),
    "tls": (Kind.DEFAULT, "routes on websecure have it"),
    "http.tls.options": (Kind.OPEN, f"they say who may connect, and how: label tls.options; {_BY_LABELS}"),
    "http.tls.domains": (Kind.LEFT, "write tls.domains in the labels of a router"),
    "http.middlewares": (Kind.OPEN, f"every request goes through them: label middlewares; {_BY_LABELS}"),
    "proxyprotocol": (
        Kind.OPEN,
        "the gateway reads no PROXY protocol: have the proxy in front send X-Forwarded-For instead, name it "
        "with --trusted-proxy, and pass --without",
    ),
    "forwardedheaders": (Kind.LEFT, "the gateway has its own"),
    "transport": (Kind.LEFT, "the gateway has its own"),
    "asdefault": (Kind.LEFT, "a route without entry points is on web alone"),
    "http2": (Kind.LEFT, "the gateway has its own"),
    "http3": (Kind.LEFT, "pass --http3 for it; its port is the published one by itself"),
    "reuseport": (Kind.DEFAULT, "the gateway needs none"),
}
_READ_TIMEOUT = "transport.respondingtimeouts.readtimeout"
_NOT_KNOWN = (Kind.LEFT, "the gateway has no such setting")


@dataclass(frozen=True)
class _Entry:
    """An entry point, and where the host has it. `at` is None if nobody reaches it there."""

    name: str
    inner: int
    is_udp: bool
    at: tuple[str, int] | None

    @property
    def path(self) -> str:
        return f"{_TOP}.{self.name}.address"


def read(settings: Mapping[str, str], ports: Sequence[Published] | None) -> tuple[Setting, ...]:
    """What hitless makes of the entry points and all that stands below them."""
    own = {name: value for name, value in settings.items() if is_in(name, _TOP)}
    found: list[Setting] = []
    entries = list(_entries(own, ports, found))
    inside = _inside(settings)
    found += [
        Setting(one.path, Kind.DEFAULT, said="it is for Traefik itself")
        for one in entries
        if one.name in inside
    ]
    entries = [one for one in entries if one.name not in inside]
    if not any(not one.is_udp for one in entries) and not found:
        # Traefik's own, if none is named
        entries.append(_Entry("http", _HTTP_PORT, False, _at(_HTTP_PORT, "", False, ports)))
    for one in entries:
        if one.at is None:
            found.append(Setting(one.path, Kind.DEFAULT, said="the host does not publish it"))
        elif one.at[1] == 0:
            found.append(Setting(one.path, Kind.OPEN, said=f"any port of the host: {_NAME_ONE}"))
    entries = [one for one in entries if one.at and one.at[1]]
    found += _ports(entries, own)
    found += _trusted(own)
    found += _read_timeout(own)
    found += _below(own)
    return tuple(found)


_NAME_ONE = "publish a fixed one in the file"


def _entries(
    own: Mapping[str, str], ports: Sequence[Published] | None, found: list[Setting]
) -> Iterator[_Entry]:
    if _TOP in own:
        said = "these are words of Traefik 1: pass --http-port and --https-port, and --without"
        found.append(Setting(_TOP, Kind.OPEN, said=said))
    for name in groups(own, _TOP):
        if (address := own.get(f"{_TOP}.{name}.address")) is None:
            continue
        match = _ADDRESS.fullmatch(address.strip())
        if match is None or not 0 < int(match["port"]) < 2**16:
            found.append(Setting(f"{_TOP}.{name}.address", Kind.OPEN, said=f"{address} is not like :80"))
            continue
        inner, is_udp = int(match["port"]), match["protocol"] == "udp"
        yield _Entry(name, inner, is_udp, _at(inner, match["host"].strip("[]"), is_udp, ports))


def _at(inner: int, host: str, is_udp: bool, ports: Sequence[Published] | None) -> tuple[str, int] | None:
    """The host's address ("" for all) and port for a port of the container."""
    if ports is None:
        return host, inner
    there = [one for one in ports if one.inner == inner and one.is_udp is is_udp]
    if not there:
        return None
    addresses = {one.address for one in there if one.port == there[0].port}
    everywhere = "" in addresses or addresses == {"0.0.0.0", "::"}  # noqa: S104 - it is read, not bound
    return ("" if everywhere else there[0].address), there[0].port


def _inside(settings: Mapping[str, str]) -> set[str]:
    """Entry points that lead to nothing but Traefik itself."""
    named = {settings.get(f"{group}.entrypoint", "").lower() for group in ("metrics.prometheus", "ping")}
    # `ping.entrypoint=web` makes no entry point of Traefik's own of it
    return {entry_points.API, *(one for one in named if one and _meaning(one) is None)}


def _meaning(name: str) -> str | None:
    return name if name in (WEB, WEBSECURE) else entry_points.ALIASES.get(name)


def _ports(entries: Sequence[_Entry], own: Mapping[str, str]) -> Iterator[Setting]:
    tcp = [one for one in entries if not one.is_udp]
    secure = _first(tcp, WEBSECURE, _HTTPS_PORT) or next(
        (one for one in tcp if is_on(own, f"{_TOP}.{one.name}.http.tls") and _meaning(one.name) != WEB), None
    )
    rest = [one for one in tcp if one is not secure]
    plain = _first(rest, WEB, _HTTP_PORT) or (rest[0] if len(rest) == 1 and len(tcp) == 1 else None)
    if not tcp:
        yield Setting(
            _TOP, Kind.LEFT, said="the host publishes none: the gateway takes port 80 (--http-port)"
        )
    elif plain is None:
        said = "there is none for HTTP: the gateway takes port 80, for redirects and the CA (--http-port)"
        yield Setting(_TOP, Kind.LEFT, said=said)
    binds = {one.at[0] for one in (plain, secure) if one and one.at}
    for one, option, meant in ((plain, "--http-port", WEB), (secure, "--https-port", WEBSECURE)):
        if one and one.at:
            yield Setting(one.path, Kind.OPTION, option, str(one.at[1]))
            if _meaning(one.name) != meant:
                yield _alias(one, meant)
    if len(binds) > 1:
        said = f"HTTP and HTTPS are on several addresses ({', '.join(one or 'all' for one in sorted(binds))})"
        yield Setting(_TOP, Kind.OPEN, "--bind", said=f"{said}: pass --bind")
    elif bind := next(iter(binds), ""):
        yield Setting(_TOP, Kind.OPTION, "--bind", bind)
    for one in entries:
        if one not in (plain, secure) and one.at:
            yield Setting(one.path, Kind.OPTION, "--publish", entry_points.written(*one.at, one.is_udp))
            yield _alias(one, entry_points.written("", one.at[1], one.is_udp))


def _alias(one: _Entry, meant: str) -> Setting:
    return Setting(one.path, Kind.OPTION, "--entry-point-alias", f"{one.name}={meant}")


def _first(entries: Sequence[_Entry], meant: str, port: int) -> _Entry | None:
    """The entry point that is meant, by its port if several have such a name, or none has."""
    named = [one for one in entries if _meaning(one.name) == meant]
    other = {WEB: WEBSECURE, WEBSECURE: WEB}[meant]
    of_port = [one for one in named or entries if one.inner == port and _meaning(one.name) != other]
    return next(iter((*of_port, *named)), None)


def _trusted(own: Mapping[str, str]) -> Iterator[Setting]:
    seen: set[str] = set()
    for name in groups(own, _TOP):
        path = f"{_TOP}.{name}.forwardedheaders"
        for address in filter(None, re.split(r"[,\s]+", own.get(f"{path}.trustedips", ""))):
            if _is_loopback(address):
                said = f"{address} is inside the gateway's container"
                yield Setting(f"{path}.trustedips", Kind.DEFAULT, said=said)
            elif address not in seen:
                seen.add(address)
                yield Setting(f"{path}.trustedips", Kind.OPTION, "--trusted-proxy", address)
        if is_on(own, f"{path}.insecure"):
            said = "every visitor could say who he is: pass --trusted-proxy, the address of a proxy or none"
            yield Setting(f"{path}.insecure", Kind.OPEN, "--trusted-proxy", said=said)


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_network(address, strict=False).is_loopback
    except ValueError:
        return False


def _read_timeout(own: Mapping[str, str]) -> Iterator[Setting]:
    found = {name: value for name, value in own.items() if name.endswith(f".{_READ_TIMEOUT}")}
    try:
        times = {name: seconds(value) for name, value in found.items()}
    except ValueError as error:
        yield Setting(next(iter(found)), Kind.OPEN, "--read-timeout", said=f"{error}: pass --read-timeout")
        return
    if times:
        # the gateway has one: 0 is for no limit
        longest = 0.0 if 0.0 in times.values() else max(times.values())
        name = next(name for name, value in times.items() if value == longest)
        yield Setting(name, Kind.OPTION, "--read-timeout", found[name])


def _below(own: Mapping[str, str]) -> Iterator[Setting]:
    """Everything else, one line for each part of `_BELOW`."""
    for path, value in own.items():
        _, _, rest = path.partition(".")
        name, _, below = rest.partition(".")
        is_done = below in ("", "address", _READ_TIMEOUT)
        if is_done or below in ("forwardedheaders.trustedips", "forwardedheaders.insecure"):
            continue
        group = max((one for one in _BELOW if is_in(below, one)), key=len, default="")
        kind, said = _BELOW.get(group, _NOT_KNOWN)
        if value.lower() == "false" and group not in ("", "transport"):
            continue
        if group == "asdefault" and _meaning(name) == WEB:
            kind, said = Kind.DEFAULT, "a route without entry points is on web"
        yield Setting(f"{_TOP}.{name}.{group or below}", kind, said=said)
