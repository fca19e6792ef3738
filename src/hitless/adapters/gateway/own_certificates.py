"""Certificates from the operator's files: what is wrong with a pair, and the routing file that holds it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from hitless.adapters import json_yaml
from hitless.adapters.gateway.routing_file import sealed
from hitless.domain.common.findings import Finding
from hitless.domain.gateway.certificates import Certificate

if TYPE_CHECKING:
    from cryptography import x509

PREFIX = ".tls-"  # of their files in the routing directory; no application's name begins so


def read_pair(
    name: str, chain: bytes, key: bytes, now: str
) -> tuple[Certificate | None, tuple[Finding, ...]]:
    """The certificate of a chain in PEM, its own first, and its private key; and all that is wrong with them.

    `now` is an ISO time in UTC. It is wrong if it has expired, has no host name, or is not the key's, and if
    one of the chain does not issue the one before it.
    """
    # imported here: it takes a twentieth of a second
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    findings: list[Finding] = []
    found: list[x509.Certificate] = []
    try:
        found = x509.load_pem_x509_certificates(chain)
    except ValueError as error:
        findings.append(Finding("certificate", f"is no certificate in PEM: {error}"))
    private: Any = None
    try:
        private = load_pem_private_key(key, None)
    except (ValueError, TypeError) as error:
        findings.append(Finding("key", f"is no private key in PEM without a password: {error}"))
    if found:
        findings += _wrong(found, private, now)
    return (_certificate(name, found[0]) if found else None), tuple(findings)


def render_pair(certificate: Certificate, chain: bytes, key: bytes) -> str:
    """The text of the routing file; its first line says what the certificate is for, without the key."""
    pair = {"certFile": chain.decode(), "keyFile": key.decode()}
    return sealed(
        {"certificate": {key: value for key, value in vars(certificate).items() if key != "is_renewed"}},
        json_yaml.dump({"tls": {"certificates": [pair]}}) + "\n",
    )


def parse_header(line: str) -> Certificate | None:
    """The certificate that the first line of such a file tells of; None where it can't be read."""
    try:
        value = json.loads(line[line.index("{") :])["certificate"]
        return Certificate(**{**value, "names": tuple(value["names"])})
    except (ValueError, KeyError, TypeError):
        return None


def _wrong(found: list[x509.Certificate], private: Any, now: str) -> Iterator[Finding]:
    from cryptography.exceptions import InvalidSignature

    first = _certificate("", found[0])
    if private is not None and private.public_key() != found[0].public_key():
        yield Finding("key", "is not the certificate's: the two don't belong together")
    if not first.names:
        yield Finding("certificate", "has no host name (subjectAltName)")
    if not first.is_valid(now):
        yield Finding(
            "certificate", f"is valid from {first.not_before} to {first.not_after}, and now it is {now}"
        )
    for issued, issuer in pairwise(found):
        try:
            issued.verify_directly_issued_by(issuer)
        except (ValueError, TypeError, InvalidSignature):
            yield Finding(
                "certificate",
                f"the chain is broken: {issuer.subject.rfc4514_string()} did not issue "
                f"{issued.subject.rfc4514_string()}",
                "the server's own certificate comes first, then the one that issued it, and so on",
            )


def _certificate(name: str, found: x509.Certificate) -> Certificate:
    from cryptography import x509

    try:
        extension = found.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        names = tuple(extension.value.get_values_for_type(x509.DNSName))
    except x509.ExtensionNotFound:
        names = ()
    return Certificate(
        name,
        names,
        found.issuer.rfc4514_string(),
        _iso(found.not_valid_before_utc),
        _iso(found.not_valid_after_utc),
    )


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
