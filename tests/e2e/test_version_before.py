"""A host as an earlier hitless left it, rebuilt from a recording, and today's hitless on it."""

from __future__ import annotations

import hashlib
import json
import shlex
import subprocess
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from bench.load import Load
from tests.e2e.conftest import GATEWAY, IMAGE, App, Cli, docker, gateway_of_its_own, wait_for
from tests.e2e.test_deploy import assert_lossless
from tests.recorded.recordings import APPLICATION, Recording, recording, situations

COMPOSE = Path(__file__).parents[1] / "recorded" / "compose.yml"
# release 4 gets the requests, and the killed command has done nothing else yet
(AFTER_THE_CUTOVER,) = situations("deploy-killed-at-09-")


@pytest.fixture
def shop(image: str, tmp_path: Path) -> Iterator[App]:
    """The application of the recordings under its own name, on its own gateway."""
    with gateway_of_its_own(f"{GATEWAY}-before") as gateway:
        name = f"{gateway.name}-shop"
        file = tmp_path / "compose.yml"
        file.write_text(COMPOSE.read_text().replace(APPLICATION, name).replace("IMAGE", image))
        cli = Cli(("-p", name, "-f", str(file)), {"HITLESS_GATEWAY": gateway.name, "RELEASE": "5"})
        made = App(name, f"{name}.localhost", cli, gateway)
        yield made
        if made.containers():
            made.cli.run("down", "--volumes", "--drain-timeout", "1")


@pytest.mark.more
@pytest.mark.long
def test_a_deployment_that_the_version_before_left_after_its_cutover_is_finished(shop: App) -> None:
    rebuild(recording(AFTER_THE_CUTOVER), shop)
    wait_for(lambda: answering(shop) == "4")
    store = docker("inspect", "--format", "{{.Id}} {{.State.StartedAt}}", f"{shop.name}-store-1")
    interrupted = shop.cli.json("status")["deployment"]
    assert (interrupted["operation"], interrupted["release"]) == ("deploy", 4)
    with Load(shop.gateway.url, host=shop.host, rate=20.0) as load:
        shop.cli.run("resume")
        resumed = shop.cli.json("status")
        shop.cli.run("deploy")
    deployed = shop.cli.json("status")

    assert assert_lossless(load).releases == ("4", "5")
    for status, release, colour in ((resumed, 4, "green"), (deployed, 5, "blue")):
        assert status["live"] == {"colour": colour, "release": release}
        assert status["deployment"] is None
        assert status["problems"] == []
    assert [one["number"] for one in deployed["releases"]] == [5, 4, 3]
    assert {one["colour"] for one in deployed["containers"]} == {"blue", ""}
    assert docker("inspect", "--format", "{{.Id}} {{.State.StartedAt}}", f"{shop.name}-store-1") == store
    assert [run["outcome"] for run in shop.cli.json("history")] == [
        *("successful", "successful"),
        "",
        *("successful", "successful", "successful"),
    ]
    shop.cli.run("down", "--volumes")
    assert not any(shop.leftovers().values())


def answering(shop: App) -> str:
    """The release that a visitor gets; "" while the gateway starts."""
    try:
        return str(shop.get().headers.get("X-Release", ""))
    except httpx.HTTPError:
        return ""


# the host


def rebuild(found: Recording, shop: App) -> None:
    """Make the images' tags, volumes, networks, containers and the gateway's files as they were recorded."""
    files = {path: renamed(path, text, shop) for path, text in found.files.items()}
    found = Recording(found.name, files)
    for tag in found.images:
        if tag != IMAGE:
            docker("tag", IMAGE, tag)
    for name, labels in json.loads(found.files["volumes.json"]).items():
        docker("volume", "create", *labelled(labels), name)
    for name, network in found.networks.items():
        docker("network", "create", *labelled(network["Labels"]), name)
        if "hitless.gateway" in network["Labels"]:
            docker("network", "connect", name, shop.gateway.container)
    with ThreadPoolExecutor(max_workers=2) as pool:
        list(pool.map(make, found.containers))
    put(found, shop)


def renamed(path: str, text: str, shop: App) -> str:
    """The same of this application and this gateway: recordings are of a shop, on the gateway `traefik`."""
    text = text.replace(APPLICATION, shop.name)
    text = text.replace("traefik_webgateway", f"{shop.gateway.name}_webgateway")
    text = text.replace('"hitless.gateway": "traefik"', f'"hitless.gateway": "{shop.gateway.name}"')
    if not path.startswith("routes/"):
        return text
    digest = text.split(" ")[2]
    rest = text.partition(f"{digest} ")[2]
    return text.replace(digest, hashlib.sha256(rest.encode()).hexdigest(), 1)


def make(container: dict[str, Any]) -> None:
    """Create a container, and bring it into the state in which it was: created, running or exited."""
    config, name = container["Config"], container["Name"].removeprefix("/")
    (first, endpoint), *others = container["NetworkSettings"]["Networks"].items()
    health = config.get("Healthcheck")
    docker(
        *("create", "--name", name, "--restart", container["HostConfig"]["RestartPolicy"]["Name"]),
        *labelled(config["Labels"]),
        *(word for value in config["Env"] for word in ("--env", value)),
        *("--network", first, *aliases("--network-alias", endpoint)),
        *(
            word
            for mount in container["Mounts"]
            for word in ("--mount", f"type=volume,src={mount['Name']},dst={mount['Destination']}")
        ),
        *(
            ("--health-cmd", shlex.join(health["Test"][1:]), "--health-interval", f"{health['Interval']}ns")
            if health
            else ()
        ),
        *(config["Image"], *config["Cmd"]),
    )
    for network, other in others:
        docker("network", "connect", *aliases("--alias", other), network, name)
    state = container["State"]
    if state["Status"] != "created":
        docker("start", name)
    if state["Status"] == "exited":
        assert docker("wait", name) == str(state["ExitCode"])


def labelled(labels: dict[str, str]) -> Iterable[str]:
    return [word for name, value in labels.items() for word in ("--label", f"{name}={value}")]


def aliases(option: str, endpoint: dict[str, Any]) -> Iterable[str]:
    return [word for alias in endpoint["Aliases"] or () for word in (option, alias)]


def put(found: Recording, shop: App) -> None:
    """Put the files into the gateway's volumes, and start it with them."""
    state, routes = f"/var/lib/hitless/{shop.name}", "/etc/hitless/routes"
    texts = {
        **{f"{state}/releases/{name}": text for name, text in found.under("releases").items()},
        **{f"{routes}/{shop.name}.yml": text for text in found.under("routes").values()},
        **{f"{routes}/.copy/{shop.name}": text for text in found.under("routes").values()},
        f"{state}/journal": found.files["journal"],
    }
    for path, text in texts.items():
        script = f"mkdir -p {Path(path).parent} && cat > {path}"
        words = ("docker", "exec", "-i", "-u", "0:65532", shop.gateway.container, "sh", "-c")
        subprocess.run((*words, f"umask 027; {script}"), input=text, text=True, check=True)
    docker("restart", shop.gateway.container)
