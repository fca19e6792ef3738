from __future__ import annotations

import subprocess
from contextlib import ExitStack

import pytest

from hitless.adapters.gateway.routing_file import render
from hitless.adapters.gateway.state import GatewayState
from hitless.adapters.gateway.traefik import Traefik
from hitless.domain.common.errors import DockerFailed, LockLost
from hitless.domain.common.names import Colour
from tests.adapters.fake_docker import FakeDocker
from tests.adapters.gateway.traefiks import files, wait_for
from tests.domain.builders import part, router, routing

ONE, TWO = routing(Colour.BLUE, generation=1), routing(Colour.BLUE, generation=2)


# the routing file


def test_the_delivered_file_is_there_whole_and_nothing_else(docker: FakeDocker, gateway: Traefik) -> None:
    docker.answers("exec", way="shell")
    routes = docker.root / "etc/hitless/routes"
    routes.mkdir(parents=True)

    locks = ExitStack()
    for name in ("rec", "other"):
        locks.enter_context(GatewayState(gateway.shell).lock(name, "alice", 0, print))
    hostile = routing(Colour.BLUE, {Colour.BLUE: part(1, router("Host(`größer`) && Path(`/$HOME/$(id)`)"))})
    gateway.deliver("rec", ONE)
    gateway.deliver("rec", hostile)
    gateway.deliver("other", TWO)

    texts = {"rec": render(hostile), "other": render(TWO)}
    assert files(routes) == {
        **{f"{name}.yml": text for name, text in texts.items()},
        **{f".copy/{name}": text for name, text in texts.items()},
    }
    with locks:
        gateway.deliver("rec", None)
        gateway.deliver("rec", None)
    assert set(files(routes)) == {"other.yml", ".copy/other"}


def test_an_application_called_copy_takes_nothing_from_a_delivery_of_another(
    docker: FakeDocker, gateway: Traefik
) -> None:
    """A delivery first removes what an earlier one has left under its name."""
    docker.answers("exec", way="shell")
    routes = docker.root / "etc/hitless/routes"
    routes.mkdir(parents=True)
    meanwhile = docker.directory / "cp"
    meanwhile.write_text(f'#!/bin/sh\n/bin/cp "$@" && rm -f {routes}/.next/copy.*\n')
    meanwhile.chmod(0o755)
    with GatewayState(gateway.shell).lock("rec", "alice", 0, print):
        gateway.deliver("rec", ONE)
    assert files(routes) == {"rec.yml": render(ONE), ".copy/rec": render(ONE)}


def test_what_is_delivered_is_what_traefik_reads_once_it_is_on_the_disk(
    docker: FakeDocker, gateway: Traefik
) -> None:
    docker.answers("exec", way="shell")
    routes, served = (docker.root / path for path in ("etc/hitless/routes", "run/hitless"))
    for folder in (routes, *(served / name for name in ("routes", "next", "aside"))):
        folder.mkdir(parents=True)
    (served / "aside/rec.yml").write_text("refused when it started")

    with GatewayState(gateway.shell).lock("rec", "alice", 0, print):
        gateway.deliver("rec", ONE)
        assert files(routes)["rec.yml"] == render(ONE)
        assert files(served) == {"lock": "", "routes/rec.yml": render(ONE)}
        gateway.deliver("rec", None)
    assert files(served) == {"lock": ""}


def test_what_is_staged_is_on_the_disk_and_traefik_reads_it_when_it_is_shown(
    docker: FakeDocker, gateway: Traefik
) -> None:
    docker.answers("exec", way="shell")
    routes, served = (docker.root / path for path in ("etc/hitless/routes", "run/hitless"))
    for folder in (routes, *(served / name for name in ("routes", "next", "aside"))):
        folder.mkdir(parents=True)
    with GatewayState(gateway.shell).lock("rec", "alice", 0, print):
        gateway.deliver("rec", ONE)
        gateway.stage("rec", TWO)
        assert files(routes)["rec.yml"] == render(TWO)
        assert files(served)["routes/rec.yml"] == render(ONE)
        gateway.unstage("rec")  # another gateway had no room for it
        assert files(routes)["rec.yml"] == files(served)["routes/rec.yml"] == render(ONE)
        gateway.stage("rec", TWO)
        gateway.show("rec")
        assert files(served) == {"lock": "", "routes/rec.yml": render(TWO)}
        assert files(routes) == {"rec.yml": render(TWO), ".copy/rec": render(TWO)}


def test_a_delivery_that_finds_no_room_for_its_second_copy_has_changed_nothing(
    docker: FakeDocker, gateway: Traefik
) -> None:
    docker.answers("exec", way="shell")
    routes, served = (docker.root / path for path in ("etc/hitless/routes", "run/hitless"))
    for folder in (routes, *(served / name for name in ("routes", "next", "aside"))):
        folder.mkdir(parents=True)
    with GatewayState(gateway.shell).lock("rec", "alice", 0, print):
        gateway.deliver("rec", ONE)
        before = (files(routes), files(served))
        full = docker.directory / "cp"
        full.write_text("#!/bin/sh\necho 'cp: write error: No space left on device' >&2\nexit 1\n")
        full.chmod(0o755)
        with pytest.raises(DockerFailed, match="No space left on device"):
            gateway.deliver("rec", TWO)
    assert (files(routes), files(served)) == before


def test_a_sender_that_stands_still_in_the_middle_of_a_delivery_keeps_nobody_out(
    docker: FakeDocker, gateway: Traefik
) -> None:
    docker.answers("exec", way="shell")
    routes, served = (docker.root / path for path in ("etc/hitless/routes", "run/hitless"))
    for folder in (routes, *(served / name for name in ("routes", "next", "aside"))):
        folder.mkdir(parents=True)
    state = GatewayState(gateway.shell)
    with state.lock("rec", "alice", 0, print), state.lock("other", "bob", 0, print):
        frozen = gateway.shell.cli.open(*gateway.shell.argv("serve", "token"))
        try:
            assert frozen.stdin
            frozen.stdin.write(f"token deliver rec {gateway.shell.claims['rec']} 100\nhalf".encode())
            frozen.stdin.flush()
            wait_for(lambda: any(path.name.startswith("rec.") for path in routes.rglob(".next/*")))
            gateway.deliver("other", TWO)
        finally:
            frozen.kill()
            frozen.communicate()
    assert files(served)["routes/other.yml"] == render(TWO)
    assert "routes/rec.yml" not in files(served)


@pytest.mark.parametrize("arrived", ["", "one: complete"])
def test_a_delivery_that_is_cut_short_leaves_the_former_file_in_force(
    docker: FakeDocker, gateway: Traefik, arrived: str
) -> None:
    # hitless killed before it has written all: docker exec passes the end of its stdin on like any other
    routes = docker.root / "etc/hitless/routes"
    routes.mkdir(parents=True)
    docker.answers("exec", way="shell")
    with GatewayState(gateway.shell).lock("rec", "alice", 0, print):
        gateway.deliver("rec", ONE)
        words = gateway.shell.argv("serve", "token")
        line = f"token deliver rec {gateway.shell.claims['rec']} 23\n{arrived}"
        subprocess.run(("docker", *words), input=line.encode(), check=False)

    assert (routes / "rec.yml").read_text() == render(ONE)


def test_a_delivery_reaches_every_traefik_that_runs(docker: FakeDocker, gateway: Traefik) -> None:
    routes, served = (docker.root / path for path in ("etc/hitless/routes", "run/hitless"))
    for folder in (routes, served / "next", served / "2/routes", served / "1/routes", served / "1/aside"):
        folder.mkdir(parents=True)
    (served / "1/aside/rec.yml").write_text("refused when it started")

    with GatewayState(gateway.shell).lock("rec", "alice", 0, print):
        gateway.deliver("rec", ONE)
        assert files(served) == {"lock": "", "1/routes/rec.yml": render(ONE), "2/routes/rec.yml": render(ONE)}
        gateway.deliver("rec", None)
        assert files(served) == {"lock": ""}


# the page of those that wait too long


def test_a_page_is_there_whole_and_nobodys_user_serves_it(docker: FakeDocker, gateway: Traefik) -> None:
    docker.answers("exec", "-d")
    (docker.root / "run/hitless/next").mkdir(parents=True)
    with GatewayState(gateway.shell).lock("rec", "alice", 0, print):
        for page in ("<p>€ $HOME</p>", ""):
            gateway.show_page("rec", page)
            shown = (docker.root / "run/hitless/next/pages/rec.html").read_text()
            assert shown == page or (not page and "Please try again" in shown)
    assert [argv[:4] for argv in docker.argvs if "-d" in argv] == [("exec", "-d", "-u", "65532:65532")] * 2


def test_only_who_has_the_lock_shows_a_page(docker: FakeDocker, gateway: Traefik) -> None:
    docker.answers("exec", "-d")
    (docker.root / "run/hitless/next").mkdir(parents=True)
    with pytest.raises(LockLost):
        gateway.show_page("rec", "late")
    assert not [argv for argv in docker.argvs if "-d" in argv]
