"""A CA of the tests' own: pebble, Let's Encrypt's server for tests, with a DNS that leads to the gateway."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hitless.adapters.gateway.certificate import self_signed
from hitless.domain.gateway.model import container_name, network_name
from tests.e2e.conftest import docker, wait_for

IMAGE = "python:3-slim"
ADDRESS = "https://pebble:14000/dir"
PROGRAMS = ("pebble", "pebble-challtestsrv")
_DNS = (
    "pebble-challtestsrv -defaultIPv6 '' -http01 '' -https01 '' -tlsalpn01 '' -dns01 :8053 -management :8055"
)
_POST = """
import sys, urllib.request
urllib.request.urlopen(urllib.request.Request(sys.argv[1], sys.argv[2].encode()), timeout=5).read()
"""
# A provider of the DNS as lego's `httpreq` calls it: what it is told to present goes into the DNS of the CA.
# That one knows no zones, for which Traefik asks first: a server in front of it says that `example` is one.
_PROVIDER = """
import json, socket, struct, threading, urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer

SOA, NS, HERE = 6, 2, b"\\x06pebble\\x00"

def answer(asked):
    end = asked.index(b"\\x00", 12) + 5
    name, kind = asked[12:end - 4], struct.unpack(">H", asked[end - 4:end - 2])[0]
    if kind not in (SOA, NS):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as behind:
            behind.settimeout(5)
            behind.sendto(asked, ("127.0.0.1", 8053))
            return behind.recv(4096)
    data = HERE + (HERE + struct.pack(">5I", 1, 60, 60, 60, 60) if kind == SOA else b"")
    found = b"\\xc0\\x0c" + struct.pack(">HHIH", kind, 1, 60, len(data)) + data
    found = found if name == b"\\x07example\\x00" else b""
    return asked[:2] + struct.pack(">5H", 0x8580, 1, bool(found), 0, 0) + asked[12:end] + found

def serve():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as here:
        here.bind(("0.0.0.0", 53))
        while True:
            asked, client = here.recvfrom(4096)
            here.sendto(answer(asked), client)

threading.Thread(target=serve, daemon=True).start()

class Provider(BaseHTTPRequestHandler):
    def do_POST(self):
        told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        user = self.headers["Authorization"]
        value = {"host": told["fqdn"], **({"value": told["value"]} if self.path == "/present" else {})}
        what = "set-txt" if self.path == "/present" else "clear-txt"
        urllib.request.urlopen(f"http://localhost:8055/{what}", json.dumps(value).encode(), timeout=5).read()
        self.send_response(200 if user else 401)
        self.end_headers()

HTTPServer(("0.0.0.0", 9000), Provider).serve_forever()
"""
_ROOT = """
import ssl, sys, urllib.request
context = ssl._create_unverified_context()
print(urllib.request.urlopen("https://localhost:15000/roots/0", context=context).read().decode())
"""


@dataclass(frozen=True)
class Pebble:
    """It runs in this container, on the network of the gateway."""

    container: str

    def orders(self) -> int:
        """How many certificates were ordered."""
        done = subprocess.run(("docker", "logs", self.container), capture_output=True, text=True, check=True)
        return (done.stdout + done.stderr).count("POST /order-plz")

    def root(self) -> str:
        """The certificate that its certificates end at, in PEM."""
        return docker("exec", self.container, "python3", "-c", _ROOT)

    def start_dns_provider(self) -> str:
        """Have it be a provider of the DNS, too: its address."""
        docker("exec", "--detach", self.container, "python3", "-c", _PROVIDER)
        return "http://pebble:9000"

    def lead(self, name: str, address: str) -> None:
        """Have a name lead to another address than the gateway's; "" to the gateway again."""
        self._dns(
            "add-a" if address else "clear-a", {"host": name, **({"addresses": [address]} if address else {})}
        )

    def _dns(self, what: str, value: object) -> None:
        words = (f"http://localhost:8055/{what}", json.dumps(value))
        docker("exec", self.container, "python3", "-c", _POST, *words)


def introduce(folder: Path) -> tuple[str, ...]:
    """The options by which a gateway knows it; it need not run yet."""
    for name, text in zip(("ca.pem", "ca.key"), self_signed("pebble"), strict=True):
        (folder / name).write_text(text)
    return ("--acme-server", ADDRESS, "--acme-ca", str(folder / "ca.pem"))


@contextmanager
def pebble(gateway: str, folder: Path, days: float = 90) -> Iterator[Pebble]:
    """Run one whose certificates are good for so many days, and that is known by what `introduce` wrote."""
    for program in PROGRAMS:
        assert shutil.which(program), f"there is no {program}: dev/servers installs it"
    certificate, key = ((folder / name).read_text() for name in ("ca.pem", "ca.key"))
    shape = '{{(index .NetworkSettings.Networks "' + network_name(gateway) + '").IPAddress}}'
    dns = f"{_DNS} -defaultIPv4 {docker('inspect', '--format', shape, container_name(gateway))}"
    name = f"{gateway}-pebble"
    docker("rm", "--force", name)
    network = ("--network", network_name(gateway), "--network-alias", "pebble")
    variables = ("PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=0", "PEBBLE_AUTHZREUSE=0")
    environment = [word for one in variables for word in ("--env", one)]
    command = f"cd /ca && {{ {dns} & }} && exec pebble -config config.json -dnsserver 127.0.0.1:8053"
    docker("create", "--name", name, *network, *environment, IMAGE, "sh", "-c", command)
    files = {"pebble.pem": certificate.encode(), "pebble.key": key.encode(), "config.json": _config(days)}
    programs = {program: Path(str(shutil.which(program))).read_bytes() for program in PROGRAMS}
    _copy(name, "/", {f"ca/{one}": content for one, content in files.items()}, 0o644)
    _copy(name, "/usr/local/bin", programs, 0o755)
    docker("start", name)
    made = Pebble(name)
    try:
        wait_for(lambda: "Listening on" in _logs(name))
        yield made
    finally:
        docker("rm", "--force", "--volumes", name)


def _logs(container: str) -> str:
    done = subprocess.run(("docker", "logs", container), capture_output=True, text=True, check=True)
    return done.stdout + done.stderr


def _config(days: float) -> bytes:
    return json.dumps(
        {
            "pebble": {
                "listenAddress": "0.0.0.0:14000",
                "managementListenAddress": "0.0.0.0:15000",
                "certificate": "pebble.pem",
                "privateKey": "pebble.key",
                "httpPort": 80,
                "tlsPort": 443,
                "ocspResponderURL": "",
                "externalAccountBindingRequired": False,
                "certificateValidityPeriod": int(days * 86400),
            }
        }
    ).encode()


def _copy(container: str, folder: str, files: dict[str, bytes], mode: int) -> None:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), mode
            tar.addfile(member, io.BytesIO(content))
    subprocess.run(("docker", "cp", "-", f"{container}:{folder}"), input=made.getvalue(), check=True)
