"""Which engine Docker's command line talks to, by Docker's own rules; few imports: each command asks this."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

# with one of these the user asks Docker's command line for something that is not done here
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")  # which it uses for a port
_NOT_OURS = ("DOCKER_API_VERSION", "DOCKER_CUSTOM_HEADERS", "DOCKER_TLS")


@dataclass(frozen=True)
class Endpoint:
    """Where an engine listens: the path of a socket; or a host and a port, with a folder of certificates.

    The folder has ca.pem, cert.pem and key.pem. `ssh` is the address of one behind SSH: ssh://ann@host.
    """

    path: str = ""
    host: str = ""
    port: int = 0
    certificates: Path | None = None
    ssh: str = ""


def endpoint(context: str | None) -> Endpoint | None:
    """The engine that Docker's command line talks to; None if its rules lead elsewhere."""
    found = _understood(context)
    return found if found and _is_docker() else None


def behind_ssh(context: str | None) -> str:
    """The address of that engine if it is behind SSH; "" for every other one."""
    found = _understood(context)
    return found.ssh if found and found.ssh and _is_docker() else ""


def _understood(context: str | None) -> Endpoint | None:
    try:
        return None if any(map(os.environ.get, _NOT_OURS)) else _endpoint(context)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _is_docker() -> bool:
    """Whether `docker` is Docker's program: a script of that name may go to any engine."""
    import shutil

    found = shutil.which("docker")
    if found is None or Path(found).resolve().name != "docker":
        return False
    with suppress(OSError), Path(found).open("rb") as file:
        return file.read(2) != b"#!"
    return False


def _endpoint(context: str | None) -> Endpoint | None:
    folder = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
    config = {}
    with suppress(FileNotFoundError):
        config = json.loads((folder / "config.json").read_text("utf-8"))
    if config.get("HttpHeaders"):
        return None
    host = os.environ.get("DOCKER_HOST")
    # Docker's own order: --context, then DOCKER_HOST, then the context that is in use
    in_use = "" if host else os.environ.get("DOCKER_CONTEXT") or config.get("currentContext")
    name = context or in_use or "default"
    if name == "default":
        verified = Path(os.environ.get("DOCKER_CERT_PATH") or folder)
        return _parsed(
            host or "unix:///var/run/docker.sock", verified if os.environ.get("DOCKER_TLS_VERIFY") else None
        )
    from hashlib import sha256

    place = sha256(name.encode()).hexdigest()
    found = json.loads((folder / "contexts/meta" / place / "meta.json").read_text("utf-8"))
    docker = found["Endpoints"]["docker"]
    if docker.get("SkipTLSVerify"):
        return None
    certificates = folder / "contexts/tls" / place / "docker"
    return _parsed(docker["Host"], certificates if certificates.is_dir() else None)


def _parsed(host: str, certificates: Path | None) -> Endpoint | None:
    parts = urlsplit(host)
    if parts.scheme == "ssh":
        return Endpoint(ssh=host) if certificates is None else None
    if parts.scheme == "unix" and not parts.netloc and parts.path and certificates is None:
        return Endpoint(path=host.removeprefix("unix://"))
    is_direct = not any(name.lower() in _PROXIES and os.environ[name] for name in os.environ)
    if parts.scheme == "tcp" and parts.hostname and parts.port and parts.path in ("", "/") and is_direct:
        return Endpoint(host=parts.hostname, port=parts.port, certificates=certificates)
    return None
