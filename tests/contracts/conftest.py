"""The Docker host of a contract: each situation runs on the fake, and on a real engine.

A situation says what a port promises, in the port's own verbs alone. So what holds in the tests that use the
fake holds on an engine. Not in a contract: `pull` (it wants a registry), `endings` (the fake has them from
its test), and which restart policy a container has (no port reads it).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hitless.cli.console import ignore
from hitless.domain.common.foreign import Json
from hitless.domain.common.names import (
    COMPOSE_NETWORK,
    COMPOSE_PROJECT,
    LABEL_APPLICATION,
    LABEL_COLOUR,
    LABEL_GATEWAY,
    LABEL_RELEASE,
    Colour,
    colour_project,
)
from hitless.domain.host.world import ComposeContainer
from hitless.domain.release.model import Image
from hitless.domain.release.networks import Network
from hitless.ports import Ports
from hitless.wiring import host as real_host
from tests.e2e.conftest import GATEWAY as OF_THE_TESTS
from tests.e2e.conftest import IMAGE, docker
from tests.fakes.host import FakeHost

TINY = Path(__file__).parents[1] / "e2e" / "tiny"
GATEWAY = f"{OF_THE_TESTS}-contract-gateway"  # nothing of it runs: its name is a label
# as hitless has them, and without a grace period: nobody waits for a request here
_QUICK: Json = {"networks": {"default": None}, "pull_policy": "never", "stop_signal": "SIGKILL"}


@dataclass(frozen=True)
class Site:
    """A Docker host, and an application's names on it."""

    ports: Ports
    application: str

    def project(self, colour: Colour) -> str:
        return colour_project(self.application, colour)

    def network(self, colour: Colour = Colour.BLUE, key: str = "default") -> Network:
        """A network of a colour; `LIVE_NETWORK` is the key of the one that shared services come to."""
        labels = {
            COMPOSE_PROJECT: self.project(colour),
            COMPOSE_NETWORK: key,
            LABEL_APPLICATION: self.application,
        }
        return Network(f"{self.project(colour)}_{key}", labels, 4, "")

    def model(
        self,
        colour: Colour = Colour.BLUE,
        services: tuple[str, ...] = ("web",),
        image: str = IMAGE,
        scale: int = 1,
    ) -> Json:
        """A colour's model, as hitless hands it to Compose: of each service so many containers."""
        labels = {
            LABEL_APPLICATION: self.application,
            LABEL_GATEWAY: GATEWAY,
            LABEL_COLOUR: str(colour),
            LABEL_RELEASE: "7",
        }
        return self._model(
            self.project(colour),
            {name: {"image": image, "labels": labels, "scale": scale, **_QUICK} for name in services},
            self.network(colour),
        )

    def base_model(self, **environment: str) -> Json:
        """The base project's model: one shared service, `db`."""
        service = {"image": IMAGE, "environment": environment, **_QUICK}
        return self._model(self.application, {"db": service}, self.base_network)

    @property
    def base_network(self) -> Network:
        labels = {
            COMPOSE_PROJECT: self.application,
            COMPOSE_NETWORK: "default",
            LABEL_APPLICATION: self.application,
        }
        return Network(f"{self.application}_default", labels, 4, "")

    def created(
        self, colour: Colour = Colour.BLUE, services: tuple[str, ...] = ("web",), scale: int = 1
    ) -> dict[str, str]:
        """Have a colour's containers created; name -> id."""
        model = self.model(colour, services, scale=scale)
        self.ports.projects.create(model, {}, (self.network(colour),))
        return self.ids(colour)

    def ids(self, colour: Colour = Colour.BLUE) -> dict[str, str]:
        """The containers of a colour: name -> id."""
        return {one.name: one.id for one in self.ports.containers.replicas(self.application, colour)}

    def started(self, colour: Colour = Colour.BLUE, services: tuple[str, ...] = ("web",)) -> dict[str, str]:
        """Have a colour's containers started; name -> id."""
        self.created(colour, services)
        found = self.ports.containers.replicas(self.application, colour)
        of_service = {service: [one.id for one in found if one.service == service] for service in services}
        self.ports.projects.start(self.model(colour, services), of_service, 30)
        return self.ids(colour)

    def shared(self) -> ComposeContainer:
        """Have the shared service started."""
        self.ports.projects.up(self.base_model(), {}, (self.base_network,), ("db",))
        return self.db()

    def db(self) -> ComposeContainer:
        """The shared service's container."""
        [found] = self.ports.containers.composed(self.application)
        return found

    @staticmethod
    def _model(project: str, services: Mapping[str, Any], network: Network) -> Json:
        return {
            "name": project,
            "services": services,
            "networks": {"default": {"name": network.name, "external": True}},
            "volumes": {},
        }


@pytest.fixture(params=["fake", pytest.param("engine", marks=pytest.mark.e2e)])
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    """The host of one situation."""
    if request.param == "fake":
        with _fake() as found:
            yield found
    else:
        application = request.getfixturevalue("on_the_engine")
        yield Site(real_host(None, GATEWAY).ports(ignore), application)
        _clean(application)


@contextmanager
def _fake() -> Iterator[Site]:
    host = FakeHost()
    host.tags[IMAGE] = Image("sha256:tiny", (8000,), healthcheck=False)
    ports = host.ports()
    with ports.state.lock("contract", "the contract", 0, print):
        yield Site(ports, "contract")
    assert host.violations == []


@pytest.fixture(scope="session")
def on_the_engine() -> str:
    """The name of an application that a real engine has nothing of."""
    docker("build", "--quiet", "--tag", IMAGE, str(TINY))
    application = f"{OF_THE_TESTS}-contract"  # of each worker: the files of contracts run side by side
    _clean(application)
    return application


def _clean(application: str) -> None:
    """Remove everything that a situation made."""
    projects = {application, *(colour_project(application, colour) for colour in Colour)}
    shape = ("--filter", f"label={COMPOSE_PROJECT}", "--format")
    name, project = "{{.Name}}", f'{{{{.Label "{COMPOSE_PROJECT}"}}}}'
    for listing, remove, named in (
        (("ps", "--all"), ("rm", "--force", "--volumes"), "{{.Names}}"),
        (("network", "ls"), ("network", "rm"), name),
        (("volume", "ls"), ("volume", "rm"), name),
    ):
        rows = (row.split(" ") for row in docker(*listing, *shape, f"{named} {project}").splitlines())
        if made := [one for one, of in rows if of in projects]:
            docker(*remove, *made)
    tags = docker("images", "--filter", f"reference=hitless:{application}.*", "--format", "hitless:{{.Tag}}")
    if tags:
        docker("rmi", *tags.split())
