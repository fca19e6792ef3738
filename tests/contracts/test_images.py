"""What the images port promises."""

from __future__ import annotations

import pytest

from hitless.domain.common.errors import DockerFailed
from hitless.domain.common.names import image_reference
from tests.contracts.conftest import Site
from tests.e2e.conftest import IMAGE


def kept(site: Site, *releases: int, service: str = "web") -> dict[int, str]:
    """Have an image kept by these releases: number -> its tag."""
    tags = {number: image_reference(site.application, number, service) for number in releases}
    site.ports.images.tag(dict.fromkeys(tags.values(), IMAGE))
    return tags


def test_only_what_is_there_is_present_by_its_service(site: Site) -> None:
    missing = image_reference(site.application, 99, "job")
    found = site.ports.images.present({"web": IMAGE, "api": IMAGE, "job": missing})
    assert set(found) == {"web", "api"}
    assert found["web"] == found["api"]
    assert found["web"].ports == (8000,)
    assert site.ports.images.present({}) == {}


def test_a_tag_is_a_second_name_of_the_same_image(site: Site) -> None:
    tag = kept(site, 3)[3]
    found = site.ports.images.present({"new": tag, "old": IMAGE})
    assert found["new"] == found["old"]


def test_what_is_not_there_can_not_be_tagged(site: Site) -> None:
    with pytest.raises(DockerFailed):
        site.ports.images.tag({image_reference(site.application, 1, "web"): "hitless-there-is-none:1"})


def test_a_release_is_tagged_as_long_as_one_of_its_images_is(site: Site) -> None:
    assert site.ports.images.tagged(site.application) == frozenset()
    kept(site, 3, 12)
    kept(site, 12, service="job")
    assert site.ports.images.tagged(site.application) == {3, 12}
    assert site.ports.images.tagged(f"{site.application}-other") == frozenset()


def test_untagged_are_these_releases_alone(site: Site) -> None:
    tags = kept(site, 1, 12, 2)
    site.ports.images.untag(site.application, (1, 2))
    assert site.ports.images.tagged(site.application) == {12}
    assert set(site.ports.images.present({"gone": tags[1], "kept": tags[12], "own": IMAGE})) == {
        "kept",
        "own",
    }


def test_a_release_without_tags_is_untagged_without_a_word(site: Site) -> None:
    site.ports.images.untag(site.application, (7,))
    site.ports.images.untag(site.application, ())
