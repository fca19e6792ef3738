"""A routing file that is damaged on its disk, and what that means for the gateway and everybody behind it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator

import httpx
import pytest

from hitless.adapters.gateway.routing_file import sealed
from tests.e2e.conftest import GATEWAY, WEB, App, Cli, Gateway, docker, gateway_of_its_own, wait_for

ROUTES = "/etc/hitless/routes"
DAMAGES = {
    "empty": ": > {file}",
    "cut off": "head -c 700 {file} > {file}.half && mv {file}.half {file}",
    "full of NULs": "head -c $(wc -c < {file}) /dev/zero > {file}.nul && mv {file}.nul {file}",
    "NULs in its first line": "dd if=/dev/zero of={file} bs=1 seek=300 count=100 conv=notrunc",
    "gone": "rm {file}",
}


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    with gateway_of_its_own(f"{GATEWAY}-files") as made:
        yield made


@pytest.fixture(scope="module")
def apps(gateway: Gateway, image: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, App]:
    """Two applications that are live."""
    made = {}
    for which in ("shop", "blog"):
        name = f"{gateway.name}-{which}"
        host = f"{name}.localhost"
        file = tmp_path_factory.mktemp(which) / "compose.yml"
        file.write_text(WEB.replace("IMAGE", image).replace("HOST", host))
        cli = Cli(("-p", name, "-f", str(file)), {"HITLESS_GATEWAY": gateway.name, "RELEASE": "1"})
        made[which] = App(name, host, cli, gateway)
        made[which].cli.run("deploy")
    return made


def inside(gateway: Gateway, script: str, stdin: str = "") -> str:
    """What root does in the gateway's container."""
    words = ("docker", "exec", "-i", "-u", "0:65532", gateway.container, "sh", "-c", script)
    return subprocess.run(words, input=stdin, capture_output=True, text=True, check=True).stdout


def damage(app: App, how: str) -> None:
    inside(app.gateway, DAMAGES[how].format(file=f"{ROUTES}/{app.name}.yml"))


def answers(app: App) -> int:
    try:
        return app.get().status_code
    except httpx.HTTPError:
        return 0


def restart(gateway: Gateway) -> None:
    docker("restart", "--time", "2", gateway.container)


@pytest.mark.parametrize("how", DAMAGES)
def test_after_a_restart_everybody_answers_beside_a_damaged_file(apps: dict[str, App], how: str) -> None:
    shop, blog = apps["shop"], apps["blog"]
    damage(shop, how)

    restart(shop.gateway)

    wait_for(lambda: answers(blog) == 200, 15)
    wait_for(lambda: answers(shop) == 200, 15)
    for command in (("status",), ("gateway", "status")):
        said = shop.cli.run(*command)
        assert f"{shop.name}.yml" in said
        assert "last good copy" in said
    assert f"{shop.name}.yml" in blog.cli.run("plan")
    assert f"{shop.name}.yml was damaged or gone" in shop.cli.run("gateway", "up")
    assert f"{shop.name}.yml" not in shop.cli.run("status")


def test_the_next_deployment_continues_from_the_last_good_copy(apps: dict[str, App]) -> None:
    shop = apps["shop"]
    damage(shop, "full of NULs")
    restart(shop.gateway)

    shop.cli.run("deploy", RELEASE="2")

    assert shop.get().headers["X-Release"] == "2"
    assert f"{shop.name}.yml" not in shop.cli.run("status")


@pytest.mark.more
@pytest.mark.long
def test_where_the_copy_is_lost_too_the_application_is_named_and_all_others_answer(
    apps: dict[str, App],
) -> None:
    shop, blog = apps["shop"], apps["blog"]
    kept = inside(shop.gateway, f"cat {ROUTES}/{shop.name}.yml")
    inside(shop.gateway, f": > {ROUTES}/.copy/{shop.name}")
    damage(shop, "full of NULs")
    try:
        # it routes by what it has in memory, until it starts again
        assert f"{shop.name}.yml" in blog.cli.run("gateway", "up", "--replace")
        assert answers(shop) == 200
        restart(shop.gateway)
        said = blog.cli.run("gateway", "up", "--replace", code=1)

        assert f"{shop.name} does not answer behind it" in said
        assert answers(blog) == 200
        assert answers(shop) == 404
        blog.cli.run("deploy", RELEASE="2")
        assert blog.get().headers["X-Release"] == "2"
        assert f"{shop.name}.yml" in shop.cli.run("deploy", code=1)
    finally:
        inside(shop.gateway, f"cat > {ROUTES}/{shop.name}.yml", kept)
        restart(shop.gateway)
        wait_for(lambda: answers(shop) == 200, 15)


@pytest.mark.long
@pytest.mark.more
def test_a_file_that_traefik_refuses_is_set_aside_and_named(apps: dict[str, App]) -> None:
    """Like one of hitless's own with a word that an older Traefik does not know: whole, and refused."""
    shop, blog = apps["shop"], apps["blog"]
    kept = inside(shop.gateway, f"cat {ROUTES}/{shop.name}.yml")
    first, _, body = kept.partition("\n")
    refused = sealed(json.loads(first[first.index("{") :]), body.replace('"rule":', '"ruleOfTomorrow":'))
    try:
        inside(shop.gateway, f"cat > {ROUTES}/{shop.name}.yml", refused)
        restart(shop.gateway)

        wait_for(lambda: answers(blog) == 200, 30)
        wait_for(lambda: f"Traefik refused {shop.name}.yml" in shop.cli.run("gateway", "status"), 15)
        assert "ruleOfTomorrow" in shop.cli.run("gateway", "logs")
        # and while it runs: a command that waits for it names what Traefik can't read
        inside(shop.gateway, "cat > /run/hitless/routes/mine.yml", "http: [")
        said = blog.cli.run("deploy", code=1, RELEASE="3")
        assert "Traefik refuses mine.yml: yaml: " in said
        assert answers(blog) == 200
    finally:
        inside(shop.gateway, f"cat > {ROUTES}/{shop.name}.yml", kept)
        restart(shop.gateway)
        wait_for(lambda: answers(shop) == 200, 15)
