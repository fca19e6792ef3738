"""Certificates for tests, by an authority of their own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

FAR = "2099-01-01T00:00:00+00:00"


class Authority:
    """A certificate authority; `certificate` is its own, in PEM."""

    def __init__(self, name: str) -> None:
        self._name = _name(name)
        self._key = ec.generate_private_key(ec.SECP256R1())
        basic = x509.BasicConstraints(ca=True, path_length=0)
        made = self._builder(self._name, self._key).add_extension(basic, critical=True)
        self.certificate = _pem(made.sign(self._key, hashes.SHA256()))

    def issue(self, *names: str, ends: str = FAR) -> tuple[bytes, bytes]:
        """A certificate for these host names, and its private key, both in PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._builder(_name(names[0] if names else "nobody"), key, ends)
        if names:
            hosts = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
            builder = builder.add_extension(hosts, critical=False)
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return _pem(builder.sign(self._key, hashes.SHA256())), private

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, ends: str = FAR
    ) -> x509.CertificateBuilder:
        end = datetime.fromisoformat(ends)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(min(datetime.now(UTC), end) - timedelta(days=30))
            .not_valid_after(end)
        )


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
