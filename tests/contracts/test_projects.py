"""What the projects port promises."""

from __future__ import annotations

from typing import Any

import pytest

from hitless.domain.common.errors import DockerFailed
from hitless.domain.common.names import Colour, image_reference
from tests.contracts.conftest import TINY, Site

DATA: dict[str, Any] = {"data": {}}


def with_volume(site: Site) -> dict[str, Any]:
    """A colour's model with a volume of the application's."""
    model = dict(site.model())
    model["volumes"] = {"data": {"name": f"{site.application}_data", "external": True}}
    return model


def test_a_service_is_built_under_its_image_reference(site: Site) -> None:
    reference = image_reference(site.application, 5, "web")
    service = {"image": reference, "build": {"context": str(TINY)}}
    model = {"name": site.project(Colour.BLUE), "services": {"web": service}}
    told: list[str] = []
    site.ports.projects.build(model, told.append, lambda *_: None)
    assert set(site.ports.images.present({"web": reference})) == {"web"}
    assert site.ports.images.tagged(site.application) == {5}


def test_another_configuration_has_another_digest(site: Site) -> None:
    digests = site.ports.projects.digests
    assert set(digests(site.base_model())) == {"db"}
    assert digests(site.base_model()) == digests(site.base_model())
    assert digests(site.base_model()) != digests(site.base_model(A="b"))


def test_what_is_created_already_is_left_as_it_is(site: Site) -> None:
    first = site.created()
    both = site.created(services=("web", "job"))
    assert len(both) == 2
    assert first.items() <= both.items()


def test_what_was_created_comes_back(site: Site) -> None:
    site.created(services=("web", "job"), scale=2)
    found = site.ports.containers.replicas(site.application, Colour.BLUE)
    assert sorted(one.service for one in found) == ["job", "job", "web", "web"]
    assert len({one.id for one in found}) == len({one.name for one in found}) == 4
    assert len({one.number for one in found if one.service == "web"}) == 2
    known = {
        (one.id, one.name, one.service, one.number) for one in site.ports.containers.of(site.application)
    }
    assert known == {(one.id, one.name, one.service, one.number) for one in found}


def test_what_is_missing_is_created_beside_those_that_are_there(site: Site) -> None:
    site.created(scale=2)
    before = site.ports.containers.replicas(site.application, Colour.BLUE)
    first = min(before, key=lambda one: one.number)
    site.ports.projects.remove(site.application, Colour.BLUE, (first.id,), with_networks=False)
    site.created(scale=3)
    after = site.ports.containers.replicas(site.application, Colour.BLUE)
    assert {one for one in before if one != first} < set(after)
    assert len(after) == len({one.number for one in after}) == 3
    assert first.id not in {one.id for one in after}


def test_without_its_image_nothing_is_created(site: Site) -> None:
    model = site.model(image=image_reference(site.application, 99, "web"))
    with pytest.raises(DockerFailed, match=r"(?i)no such image"):
        site.ports.projects.create(model, {}, (site.network(),))
    assert site.ports.containers.of(site.application) == ()


def test_a_shared_service_that_runs_is_left_alone_unless_the_file_must_be_followed(site: Site) -> None:
    before = site.shared()
    changed, up = site.base_model(A="b"), site.ports.projects.up
    up(changed, {}, (site.base_network,), ("db",))
    assert (site.db().id, site.db().digest) == (before.id, before.digest)
    up(changed, {}, (site.base_network,), ("db",), recreate=True)
    assert site.db().digest == site.ports.projects.digests(changed)["db"] != before.digest
    assert site.db().is_ready


def test_single_containers_are_removed_and_the_colour_keeps_its_networks(site: Site) -> None:
    ids = site.created(services=("web", "job"))
    gone = ids.pop(f"{site.application}-blue-job-1")
    left = site.ports.projects.remove(site.application, Colour.BLUE, (gone,), with_networks=False)
    assert left == ()
    assert site.ids() == ids
    assert site.ports.networks.networked(site.application).colours == {Colour.BLUE}


def test_a_colour_is_removed_with_its_networks_as_often_as_one_likes(site: Site) -> None:
    ids = tuple(site.created().values())
    for containers in (ids, ()):
        left = site.ports.projects.remove(site.application, Colour.BLUE, containers, with_networks=True)
        assert left == ()
        assert site.ports.containers.of(site.application) == ()
        assert site.ports.networks.networked(site.application).colours == frozenset()
        assert site.network().name not in site.ports.networks.ranges()


def test_the_base_project_is_removed_and_a_release_stays(site: Site) -> None:
    site.created()
    shared = site.shared()
    site.ports.containers.stop((shared.id,))
    site.ports.projects.remove_base(site.application, (shared.id,))
    assert site.ports.containers.composed(site.application) == ()
    assert len(site.ports.containers.of(site.application)) == 1


def test_the_applications_volumes_are_created_once_and_removed(site: Site) -> None:
    assert site.ports.projects.remove_volumes(site.application) == ()
    for _ in range(2):
        site.ports.projects.create(with_volume(site), DATA, (site.network(),))
    ids = tuple(site.ids().values())
    site.ports.projects.remove(site.application, Colour.BLUE, ids, with_networks=True)
    assert site.ports.projects.remove_volumes(site.application) == (f"{site.application}_data",)
    assert site.ports.projects.remove_volumes(site.application) == ()
