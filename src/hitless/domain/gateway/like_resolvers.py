"""The certificate resolvers of somebody's Traefik as the gateway's account at a CA. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from hitless.domain.gateway.acme import LETS_ENCRYPT, STAGING
from hitless.domain.gateway.like_model import Kind, Setting, groups, is_in, is_on

_TOP = "certificatesresolvers"
_V1 = "acme"  # Traefik 1 had one, at the top
_KEPT = ("storage", "keytype")
_WHAT_IS_ASKED = ("email", "caserver", "dnschallenge.provider", "dnschallenge.resolvers")
_DNS_PORT = 53
Found = tuple[tuple[Setting, ...], Mapping[str, str]]


def read(
    settings: Mapping[str, str],
    variables: Mapping[str, str] | None,
    given: Collection[str],
    has_https: bool,
) -> Found:
    """What hitless makes of the resolvers, and the variables for the provider of the DNS.

    `variables` are those of Traefik's environment, None if they are not known; `given` as in `like.read`.
    """
    resolvers = dict(_resolvers(settings))
    others = tuple(
        Setting(f"{_TOP}.{name}", Kind.LEFT, said="only ACME is there: hitless gateway certificate add")
        for name in groups(settings, _TOP)
        if f"{_TOP}.{name}.acme" not in resolvers
    )
    if not resolvers:
        return others, {}
    if not has_https:
        said = "the gateway has no port for HTTPS: pass --https-port, too, for certificates"
        return (*others, Setting(_TOP, Kind.LEFT, said=said)), {}
    if "--acme-email" in given:
        return (*others, Setting(_TOP, Kind.DEFAULT, said="the account of the command line is taken")), {}
    real = {path: one for path, one in resolvers.items() if one.get("caserver") != STAGING} or resolvers
    if len({tuple(one.get(key) for key in _WHAT_IS_ASKED) for one in real.values()}) > 1:
        said = "the gateway has one account: pass --acme-email, --acme-server and --acme-dns as of one"
        return (*others, Setting(_TOP, Kind.OPEN, "--acme-email", said=said)), {}
    path, chosen = next(iter(real.items()))
    said = f"the gateway has one account: that of {path}"
    left = tuple(Setting(other, Kind.DEFAULT, said=said) for other in resolvers if other != path)
    is_by_dns = is_on(chosen, "dnschallenge") and chosen.get("dnschallenge.provider")
    dns, credentials = _credentials(path, chosen, variables, given) if is_by_dns else ((), {})
    return (*others, *left, *_of(path, chosen, given), *dns), credentials


def _resolvers(settings: Mapping[str, str]) -> Iterator[tuple[str, dict[str, str]]]:
    """The resolvers for ACME: path -> what stands below it."""
    for path in (_V1, *(f"{_TOP}.{name}.acme" for name in groups(settings, _TOP))):
        start = f"{path}."
        below = {name.removeprefix(start): one for name, one in settings.items() if name.startswith(start)}
        if below:
            yield path, below


def _of(path: str, one: Mapping[str, str], given: Collection[str]) -> Iterator[Setting]:
    if email := one.get("email"):
        yield Setting(f"{path}.email", Kind.OPTION, "--acme-email", email)
    else:
        yield Setting(f"{path}.email", Kind.OPEN, "--acme-email", said="pass --acme-email ADDRESS")
    server = one.get("caserver", LETS_ENCRYPT)
    if server == STAGING:
        yield Setting(f"{path}.caserver", Kind.OPTION, "--acme-server", "staging")
    elif server != LETS_ENCRYPT:
        yield Setting(f"{path}.caserver", Kind.OPTION, "--acme-server", server)
    elif "caserver" in one:
        yield Setting(f"{path}.caserver", Kind.DEFAULT, said="Let's Encrypt")
    for challenge, said in (("httpchallenge", "the default"), ("tlschallenge", _NO_TLS_CHALLENGE)):
        if is_on(one, challenge):
            kind = Kind.LEFT if challenge == "tlschallenge" else Kind.DEFAULT
            yield Setting(f"{path}.{challenge}", kind, said=said)
    if "cacertificates" in one and "--acme-ca" not in given:
        said = "a file in its container: pass --acme-ca FILE"
        yield Setting(f"{path}.cacertificates", Kind.OPEN, "--acme-ca", said=said)
    if any(is_in(name, "eab") for name in one):
        said = "hitless can't ask CAs that want this: pass --acme-email, and --acme-server of another one"
        yield Setting(f"{path}.eab", Kind.OPEN, "--acme-email", said=said)
    for name in one:
        if name.partition(".")[0] in _KEPT:
            yield Setting(f"{path}.{name}", Kind.DEFAULT, said="the gateway keeps them")
        elif not any(is_in(name, known) for known in _KNOWN):
            yield Setting(f"{path}.{name}", Kind.LEFT, said="the gateway has its own")


_KNOWN = ("email", "caserver", "httpchallenge", "tlschallenge", "cacertificates", "eab", "dnschallenge")
_NO_TLS_CHALLENGE = "names are proved by requests on port 80: it must be reached from outside; or --acme-dns"


def _credentials(
    path: str, one: Mapping[str, str], variables: Mapping[str, str] | None, given: Collection[str]
) -> Found:
    """Those for the provider, from the environment of Traefik's container."""
    path, provider = f"{path}.dnschallenge", one["dnschallenge.provider"].lower()
    found = [Setting(f"{path}.provider", Kind.OPTION, "--acme-dns", provider)]
    for server in filter(None, one.get("dnschallenge.resolvers", "").split(",")):
        has_port = server.rpartition(":")[2].isdecimal() and (server.count(":") == 1 or "]:" in server)
        at = server if has_port else f"{server}:{_DNS_PORT}"
        found.append(Setting(f"{path}.resolvers", Kind.OPTION, "--acme-dns-resolver", at))
    known = ("dnschallenge", "dnschallenge.provider", "dnschallenge.resolvers")
    found += [
        Setting(f"{path}.{name.partition('.')[2]}", Kind.LEFT, said="the gateway has its own")
        for name in one
        if is_in(name, "dnschallenge") and name not in known
    ]
    if "--acme-dns-env" in given:
        return tuple(found), {}
    given_variables = {name: value for name, value in (variables or {}).items() if value}
    problem = ""
    if not given_variables:
        problem = f"the credentials of {provider} are not there"
    elif files := sorted(name for name in given_variables if name.endswith("_FILE")):
        problem = f"{', '.join(files)} names a file in its container"
    elif several := sorted(name for name, value in given_variables.items() if "\n" in value):
        problem = f"{', '.join(several)} has several lines"
    if problem:
        said = f"{problem}: pass --acme-dns-env FILE, with NAME=VALUE in each line"
        return (*found, Setting("environment", Kind.OPEN, "--acme-dns-env", said=said)), {}
    said = f"with {', '.join(sorted(given_variables))}"
    return (*found, Setting("environment", Kind.OPTION, "--acme-dns-env", said=said)), given_variables
