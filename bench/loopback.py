"""The one place where the load goes: a loopback address of this machine."""

from __future__ import annotations

import ipaddress
import ssl
from urllib.parse import urlsplit

from hitless.adapters.load.wire import Address


def loopback(url: str) -> Address:
    """Return where a URL on this machine leads; ValueError for a URL of any other."""
    parts = urlsplit(url)
    # Not left to the resolver: the meaning of "localhost" must not depend on a file here, and a literal
    # address saves every fresh connection a look-up in a thread.
    name = "127.0.0.1" if parts.hostname == "localhost" else parts.hostname or ""
    try:
        is_loopback = ipaddress.ip_address(name).is_loopback
    except ValueError:
        is_loopback = False
    if parts.scheme != "http" or not is_loopback or parts.path not in ("", "/"):
        raise ValueError(f"load goes only to http://LOOPBACK-ADDRESS:PORT, not to {url!r}")
    return Address(name, parts.port or 80)


def any_certificate(protocol: str) -> ssl.SSLContext:
    """For TLS with any certificate, as a gateway's own: the load goes to this machine alone."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols([protocol])
    return context
