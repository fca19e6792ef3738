"""Which Traefik the gateway runs, one that it does not take, and what hitless's own image has."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator

import pytest

from hitless.adapters.gateway.programs import gateway_image
from hitless.adapters.gateway.shell import script
from hitless.domain.gateway.compose_model import PROGRAMS_VOLUME
from hitless.domain.gateway.image import TRAEFIK_IMAGE
from tests.e2e.conftest import GATEWAY, Gateway, docker, gateway_of_its_own

OTHER = "hitless-e2e-traefik:1"
# of any POSIX shell itself
SHELL = (
    "break case cd command continue do done echo elif else esac eval exec exit fi for if kill printf read "
    "return set shift then true umask until while"
)


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    with gateway_of_its_own(f"{GATEWAY}-image") as made:
        yield made


@pytest.fixture
def no_image() -> Iterator[None]:
    yield
    docker("rmi", OTHER)


def made_of(*lines: str) -> None:
    text = "\n".join((f"FROM {TRAEFIK_IMAGE}", *lines))
    subprocess.run(("docker", "build", "--quiet", "--tag", OTHER, "-"), input=text, text=True, check=True)


def started(gateway: Gateway) -> str:
    return docker("inspect", "--format", "{{.State.StartedAt}}", gateway.container)


def programs() -> set[str]:
    look = ("run", "--rm", "--volume", f"{PROGRAMS_VOLUME}:/there", "--entrypoint", "ls", gateway_image())
    return set(docker(*look, "/there").split())


def refused(gateway: Gateway) -> str:
    """What is said of the other image; the gateway must keep running as it is."""
    began = started(gateway)
    said = gateway.cli.run("gateway", "up", "--replace", "--image", OTHER, code=1)
    assert started(gateway) == began
    assert gateway.cli.json("gateway", "status")["gateway"]["settings"]["image"] == TRAEFIK_IMAGE
    return said


def test_hitlesss_own_image_has_every_program_that_the_script_uses() -> None:
    text = re.sub(r"awk [^'\n]*'.*?'", "awk", script(), flags=re.DOTALL)
    text = re.sub(r"(^|\s)#.*", "", text)
    text = re.sub(
        r"""(echo|printf|redirection|summed|packets \w+ "[^"]*") ("[^"]*"|'[^']*')""", r"\1", text
    )  # what is only said
    text = re.sub(r"^\s*\w+\)", "", text, flags=re.MULTILINE)  # a pattern of `case`
    functions = re.findall(r"^(\w+)\(\)", text, re.MULTILINE)
    variables = re.findall(r"(\w+)=|\bfor (\w+)|\bread -r (\w+)", text)
    before = r"(?:^|[;&|({!]|\b(?:then|do|else|if|while|until|exec)\b|\btimeout \S+)"
    words = re.findall(before + r"(?=[ ]*([a-z][a-z0-9]*)\b(?!=))", text, re.MULTILINE)
    used = set(words) - {*functions, *SHELL.split(), *(name for names in variables for name in names)}
    look = 'for name; do command -v "$name" > /dev/null || echo "$name"; done'
    lacking = docker("run", "--rm", "--entrypoint", "sh", gateway_image(), "-c", look, "sh", *used)
    assert "flock" in used
    assert lacking.split() == []


@pytest.mark.usefixtures("no_image")
def test_an_image_without_traefik_is_refused_and_the_gateway_keeps_running(gateway: Gateway) -> None:
    made_of("RUN rm /usr/local/bin/traefik")
    assert f"the image {OTHER} has no program /usr/local/bin/traefik" in refused(gateway)


@pytest.mark.usefixtures("no_image")
def test_an_older_traefik_is_refused_and_the_gateway_keeps_running(gateway: Gateway) -> None:
    # it says that it is 3.6, whatever it is
    made_of(r"RUN printf '#!/bin/sh\necho Version: 3.6.15\n' > /usr/local/bin/traefik")
    assert f"{OTHER} has Traefik 3.6.15; the gateway takes 3.7 or newer" in refused(gateway)


@pytest.mark.usefixtures("no_image")
def test_a_traefik_is_taken_from_an_image_that_has_nothing_else_and_goes_with_its_last_gateway(
    gateway: Gateway,
) -> None:
    before = programs()
    made_of("RUN rm -f /entrypoint.sh /bin/flock /bin/wget /bin/nc; echo >> /usr/local/bin/traefik")
    gateway.cli.run("gateway", "up", "--replace", "--image", OTHER)
    [new] = programs() - before
    assert docker("top", gateway.container).count(f"/opt/traefik/{new} ") == 1
    gateway.cli.run("gateway", "up", "--replace", "--image", "default")
    assert new not in programs()
