"""What the containers port promises."""

from __future__ import annotations

import pytest

from hitless.domain.common.errors import DockerFailed
from hitless.domain.common.names import Colour
from tests.contracts.conftest import GATEWAY, Site

GONE = "hitless-there-is-none"


def test_an_application_that_is_not_there_has_no_containers(site: Site) -> None:
    assert site.ports.containers.of(site.application) == ()
    assert site.ports.containers.replicas(site.application, Colour.BLUE) == ()
    assert site.ports.containers.named((GONE,)) == ()
    assert site.ports.containers.named(()) == ()
    assert site.ports.containers.composed(site.application) == ()


def test_a_created_container_says_whose_it_is(site: Site) -> None:
    ids = site.created()
    [found] = site.ports.containers.of(site.application)
    assert (found.name, found.id) == (f"{site.application}-blue-web-1", ids[found.name])
    assert (found.application, found.service, found.colour) == (site.application, "web", Colour.BLUE)
    assert (found.release, found.gateway) == (7, GATEWAY)
    assert (found.state, found.is_running, found.restarts) == ("created", False, 0)


def test_a_colours_containers_are_known_by_their_names(site: Site) -> None:
    blue, green = site.created(Colour.BLUE, ("web", "job")), site.created(Colour.GREEN)
    assert set(blue) == {f"{site.application}-blue-web-1", f"{site.application}-blue-job-1"}
    assert set(green) == {f"{site.application}-green-web-1"}
    [web] = site.ports.containers.named((f"{site.application}-blue-web-1", GONE))
    assert web.id == blue[web.name]
    assert len(site.ports.containers.of(site.application)) == 3


def test_of_all_applications_are_those_behind_this_gateway(site: Site) -> None:
    ids = site.created()
    assert {one.id for one in site.ports.containers.of(None)} == set(ids.values())
    assert site.ports.containers.of(f"{site.application}-other") == ()


def test_a_container_that_is_stopped_has_exited_and_can_be_started_again(site: Site) -> None:
    ids = tuple(site.started().values())
    [found] = site.ports.containers.of(site.application)
    assert found.is_running
    assert not site.ports.containers.passes_check(ids[0], 20)  # it has no health check
    site.ports.containers.stop(ids)
    [found] = site.ports.containers.of(site.application)
    assert found.state == "exited"
    site.ports.containers.start_again(ids)
    [found] = site.ports.containers.of(site.application)
    assert (found.is_running, found.id) == (True, ids[0])


def test_what_runs_is_a_neighbour_that_is_hitless_s(site: Site) -> None:
    [name] = site.started()
    found = {one.name: one for one in site.ports.containers.neighbours()}
    assert found[name].is_ours
    assert (found[name].project, found[name].service) == (site.project(Colour.BLUE), "web")


def test_what_does_not_run_is_no_neighbour(site: Site) -> None:
    [name] = site.created()
    assert name not in {one.name for one in site.ports.containers.neighbours()}


def test_a_shared_services_container_is_no_releases(site: Site) -> None:
    site.created()
    found = site.shared()
    assert (found.project, found.service) == (site.application, "db")
    assert found.name == f"{site.application}-db-1"
    assert (found.is_ours, found.is_ready) == (True, True)
    assert site.base_network.name in found.networks
    assert found.digest
    assert {one.service for one in site.ports.containers.of(site.application)} == {"web"}


def test_a_container_that_has_gone_can_not_be_stopped_nor_given_a_policy(site: Site) -> None:
    with pytest.raises(DockerFailed):
        site.ports.containers.stop((GONE,))
    with pytest.raises(DockerFailed):
        site.ports.containers.set_restart_policies({GONE: "no"})


def test_a_restart_policy_is_set_without_a_restart(site: Site) -> None:
    ids = tuple(site.started().values())
    site.ports.containers.set_restart_policies(dict.fromkeys(ids, "always"))
    [found] = site.ports.containers.of(site.application)
    assert (found.is_running, found.restarts, found.id) == (True, 0, ids[0])


def test_a_container_that_has_gone_has_no_log(site: Site) -> None:
    assert site.ports.containers.logs(GONE, 20) == ""
