"""Certificates from a CA by ACME (RFC 8555): who asks, how often, and what an answer means. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

RESOLVER = "hitless"  # the name of the gateway's one certificate resolver in Traefik
LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory"
STAGING = "https://acme-staging-v02.api.letsencrypt.org/directory"
# Let's Encrypt refuses a host name for an hour after five failures (letsencrypt.org/docs/rate-limits,
# "Authorization Failures per Identifier per Account"). hitless stops before that: a person has tries left.
MOST_FAILURES = 3
HOUR = 3600


class Challenge(StrEnum):
    """How the CA finds out that a host name is ours."""

    HTTP = "http-01"  # it sends a request to port 80 of the name
    DNS = "dns-01"  # it reads a record in the name's zone; a wildcard takes this one


Names = tuple[str, ...]
"""The host names of one certificate."""


@dataclass(frozen=True)
class Refusal:
    """Why no certificate came. `is_counted`: the CA has looked at the names, and counts this as a failure."""

    reason: str
    hint: str
    is_counted: bool


def refusal(said: str) -> Refusal:
    """What Traefik's error for a certificate means, for people."""
    problems = re.findall(r"urn:ietf:params:acme:error:(\w+)\s*::\s*([^\n]+)", said)
    if not problems:
        reason = said.rsplit("\n", 1)[0].rpartition(": ")[2].strip() if "\n" in said else said.strip()
        if "dns01" in said:
            return Refusal(
                f"the record in the DNS can't be made or found: {' '.join(said.split())}",
                "are --acme-dns and the credentials in --acme-dns-env right, and has the provider this zone?",
                is_counted=False,
            )
        return Refusal(
            f"the CA can't be asked: {reason or said}",
            "does the gateway's container reach the CA? see its address in hitless gateway status",
            is_counted=False,
        )
    kind, detail = problems[-1]
    said = f"the CA says: {detail.strip().rstrip('],')}"
    return Refusal(said, _HINTS.get(kind, _HINT), is_counted=kind in _OF_THE_NAME)


def left(name: str, failures: Mapping[str, Sequence[int]]) -> int:
    """How many failures a host name may still have in this hour; `failures` as in `World`."""
    return max(MOST_FAILURES - len(failures.get(name, ())), 0)


def wait(name: str, failures: Mapping[str, Sequence[int]]) -> int:
    """After how many seconds a host name without a try left has one again; 0 if it has one now."""
    ages = sorted(failures.get(name, ()))
    return 0 if len(ages) < MOST_FAILURES else HOUR - ages[MOST_FAILURES - 1]


def host_of(address: str) -> str:
    """The host of a CA's ACME address."""
    return urlsplit(address).netloc or address


def names_of(certificates: Iterable[Names]) -> Names:
    """The host names of all these certificates, each once."""
    return tuple(dict.fromkeys(name for names in certificates for name in names))


# where the CA has tried to prove the name
_OF_THE_NAME = ("dns", "connection", "unauthorized", "incorrectResponse", "tls", "caa")
_HINT = "correct what it names, and deploy again"
# The types of RFC 8555, 6.7
_HINTS = {
    "serverInternal": "the CA has trouble of its own: try again later",
    "tls": "port 443 of the name answers the CA's request wrongly",
    "dns": "does the name exist in the DNS, and lead to this host?",
    "connection": "port 80 of the name must lead to this gateway: see its DNS record, firewall and router",
    "unauthorized": "port 80 of the name must lead to this gateway, and not to another server or a CDN",
    "incorrectResponse": "port 80 of the name must lead to this gateway, and not to another server or a CDN",
    "rateLimited": "wait, as it says; every further try may make that longer",
    "rejectedIdentifier": "it gives no certificate for this name: bring one of yours, "
    "hitless gateway certificate add",
    "caa": "the CAA record of the domain allows other CAs alone",
    "invalidContact": "correct it: hitless gateway up --acme-email …",
    "unsupportedContact": "correct it: hitless gateway up --acme-email …",
    "externalAccountRequired": "hitless can't ask CAs that want this",
}
