"""A certificate that signs itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hitless.adapters.gateway.routing_file import sealed
from hitless.domain.routing.reserved import MARKER_HOST

DEFAULT_CERTIFICATE = ".certificate"  # its file's name in the routing directory; no application's begins so
_DAYS = 3650


def default_certificate(is_strict: bool) -> str:
    """The text of a routing file with a new certificate, for clients that ask for no known name.

    `is_strict`: they get an alert, and not this certificate, which nobody can trust.
    """
    certificate, key = self_signed(MARKER_HOST)
    pair = {"certFile": certificate, "keyFile": key}
    stores = {"default": {"defaultCertificate": pair}}
    options = {"options": {"default": {"sniStrict": True}}} if is_strict else {}
    import yaml  # 20 ms, and only what makes a gateway needs it

    body = yaml.safe_dump({"tls": {"stores": stores, **options}})
    return sealed({"gateway": "default certificate"}, body)


def self_signed(name: str) -> tuple[str, str]:
    """A certificate for a host name and its private key (EC P-256), both as PEM, good for ten years."""
    # imported here: it takes a twentieth of a second, and a gateway needs it once in its life
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))  # a host whose clock is late must be able to use it
        .not_valid_after(now + timedelta(days=_DAYS))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode(), private.decode()
