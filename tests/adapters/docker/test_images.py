"""Images on Docker's command line."""

from __future__ import annotations

import json

import pytest

from hitless.adapters.docker.images import DockerImages
from hitless.domain.common.errors import DockerFailed
from hitless.domain.release.model import Image
from tests.adapters.fake_docker import FakeDocker, recorded, recorded_text


def test_only_the_images_that_are_there_are_told(docker: FakeDocker, images: DockerImages) -> None:
    docker.answers("image", "inspect", "web:1", stdout=recorded_text("image"))
    missing = "Error response from daemon: No such image: job:1\n"
    docker.answers("image", "inspect", "job:1", stdout="[]\n", stderr=missing, exit_code=1)

    found = images.present({"web": "web:1", "job": "job:1"})

    assert found == {"web": Image(recorded("image")[0]["Id"], (8000,), healthcheck=False)}


def test_images_are_told_by_one_command_and_one_that_two_services_have_is_asked_for_once(
    docker: FakeDocker, images: DockerImages
) -> None:
    web, job = recorded("image"), recorded("image_traefik")
    docker.answers("image", "inspect", "web:1", "job:1", stdout=json.dumps([*web, *job]))

    found = images.present({"web": "web:1", "job": "job:1", "api": "web:1"})

    assert {service: one.id for service, one in found.items()} == {
        "web": web[0]["Id"],
        "job": job[0]["Id"],
        "api": web[0]["Id"],
    }
    assert docker.argvs == [("image", "inspect", "web:1", "job:1")]


def test_an_engine_that_fails_for_another_reason_has_not_lost_its_images(
    docker: FakeDocker, images: DockerImages
) -> None:
    docker.answers("image", "inspect", stderr="Cannot connect to the Docker daemon at x.\n", exit_code=1)

    with pytest.raises(DockerFailed):
        images.present({"web": "web:1"})


def test_images_are_pulled_and_tagged(docker: FakeDocker, images: DockerImages) -> None:
    images.pull("nginx:1", None, lambda _: None)
    images.tag({"hitless:shop.r1.web": "nginx:1"})

    assert docker.argvs == [("pull", "nginx:1"), ("tag", "nginx:1", "hitless:shop.r1.web")]


def test_an_image_for_a_platform_of_its_own(docker: FakeDocker, images: DockerImages) -> None:
    images.pull("nginx:1", "linux/arm64", lambda _: None)

    assert docker.argvs == [("pull", "--platform", "linux/arm64", "nginx:1")]


def test_the_tags_of_these_releases_and_no_others_are_removed(
    docker: FakeDocker, images: DockerImages
) -> None:
    docker.answers("images", stdout="hitless:shop.r1.web\nhitless:shop.r12.job\n")

    images.untag("shop", (1, 12))

    listing, removal = docker.argvs
    filters = ("--filter", "reference=hitless:shop.r1.*", "--filter", "reference=hitless:shop.r12.*")
    assert listing == ("images", *filters, "--format", "{{.Repository}}:{{.Tag}}")
    assert removal == ("rmi", "hitless:shop.r1.web", "hitless:shop.r12.job")


def test_the_releases_that_have_tags_are_told_by_their_numbers(
    docker: FakeDocker, images: DockerImages
) -> None:
    docker.answers("images", stdout="hitless:shop.r1.web\nhitless:shop.r12.job\nhitless:shop.r12.web.v2\n")

    assert images.tagged("shop") == {1, 12}
    assert "reference=hitless:shop.r*" in docker.argvs[0]


def test_a_tag_that_hitless_did_not_give_is_no_release(docker: FakeDocker, images: DockerImages) -> None:
    docker.answers("images", stdout="hitless:shop.r1.web\nhitless:shop.rc\nhitless:shop.rescue.web\n")

    assert images.tagged("shop") == {1}


def test_where_no_release_is_named_no_image_is_listed(docker: FakeDocker, images: DockerImages) -> None:
    images.untag("shop", ())

    assert docker.calls == []


def test_where_no_tag_is_left_none_is_removed(docker: FakeDocker, images: DockerImages) -> None:
    images.untag("shop", (1,))

    assert [argv[0] for argv in docker.argvs] == ["images"]


def test_a_pull_tells_how_many_layers_are_there(docker: FakeDocker, images: DockerImages) -> None:
    said = """1: Pulling from library/nginx
aaaaaaaaaaaa: Already exists
bbbbbbbbbbbb: Pulling fs layer
cccccccccccc: Pulling fs layer
bbbbbbbbbbbb: Download complete
bbbbbbbbbbbb: Pull complete
cccccccccccc: Pull complete
Digest: sha256:12
"""
    docker.answers("pull", stdout=said)
    told: list[str] = []

    images.pull("nginx:1", None, told.append)

    assert told[0] == "1 of 1 layers"
    assert told[-1] == "3 of 3 layers"
    assert "1 of 3 layers" in told
