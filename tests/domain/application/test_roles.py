"""Which part a service plays, and why."""

from __future__ import annotations

from typing import Any

import pytest

from hitless.domain.application import read as reading
from hitless.domain.application.model import Role
from hitless.domain.common.findings import Finding
from tests.domain.builders import application, at, compose, only, unrouted, web

ENDED = {"condition": "service_completed_successfully"}
DATA = {"type": "volume", "source": "data", "target": "/data"}


def role(name: str, services: dict[str, Any], **keys: Any) -> tuple[Role, str]:
    """The role of one service among these and a routed one, and the reason."""
    found = application({"app": web(), **services}, **keys)
    service = next(one for one in found.services if one.name == name)
    return service.role, service.reason


def test_a_routed_service_is_web() -> None:
    assert role("app", {}) == (Role.WEB, "it has a route")


def test_the_code_of_a_web_service_without_a_route_is_a_worker() -> None:
    assert role("queue", {"queue": unrouted("shop:1")}) == (
        Role.WORKER,
        "it has the code of app, and no route",
    )


def test_another_build_of_the_same_source_is_a_worker() -> None:
    build = {"context": "/src", "dockerfile": "Dockerfile"}
    services = {"app": {**web(), "build": build}, "queue": {"build": {**build, "target": "queue"}}}
    assert role("queue", services) == (Role.WORKER, "it has the code of app, and no route")


def test_what_is_built_with_the_release_is_a_worker() -> None:
    assert role("mail", {"mail": {"build": {"context": "/mail"}}})[0] is Role.WORKER


def test_an_image_from_where_a_web_services_comes_from_is_a_worker() -> None:
    services = {"app": {**web(), "image": "ghcr.io/acme/web:7"}, "queue": {"image": "ghcr.io/acme/queue:7"}}
    assert role("queue", services) == (Role.WORKER, "its image comes from the same place as the image of app")


def test_a_tool_from_there_that_docker_does_not_start_again_is_asked_about() -> None:
    app = {**web(), "image": "acme/web:7", "restart": "always"}
    tool = {"image": "acme/load-test:1", "command": ["-h", "app"]}
    made = application({"app": app, "tool": tool})
    service = next(one for one in made.services if one.name == "tool")
    assert (service.role, service.doubt) == (Role.SHARED, "unlike app, Docker does not start it again")
    # where nothing is started again, that says nothing; nor of what the application needs
    assert role("tool", {"app": {**app, "restart": "no"}, "tool": tool})[0] is Role.WORKER
    assert role("tool", {"app": app, "tool": {**tool, "restart": "always"}})[0] is Role.WORKER
    assert role("tool", {"app": {**app, "depends_on": {"tool": {}}}, "tool": tool})[0] is Role.WORKER


@pytest.mark.parametrize(
    ("image", "is_exclusive"),
    [
        ("quay.io/hedgedoc/hedgedoc:1.11.0", True),
        ("etherpad/etherpad:2", True),
        ("acme/hedgedoc-exporter", None),
        ("acme/notes", None),
    ],
)
def test_what_people_write_together_is_in_memory_of_one_copy(image: str, is_exclusive: bool | None) -> None:
    def of(**keys: Any) -> bool | None:
        services = application({"app": {**web(), "image": image, **keys}}).services
        return next(one.exclusive for one in services if one.name == "app")

    assert of() is is_exclusive
    # who runs several, or says so, knows better
    assert of(scale=2) is None
    assert of(**{"x-hitless": {"exclusive": False}}) is False


@pytest.mark.parametrize(
    ("routed", "other"),
    [
        ("docker.io/nextcloud:29", "docker.io/nginx:1"),
        ("docker.io/library/wordpress", "docker.io/library/nginx"),
        ("bitnami/wordpress:6", "docker.io/bitnami/phpmyadmin:5"),
        ("grafana/grafana:11", "grafana/promtail:2.9"),
        ("lscr.io/linuxserver/sonarr", "lscr.io/linuxserver/qbittorrent"),
    ],
)
def test_that_a_publisher_has_both_images_says_nothing(routed: str, other: str) -> None:
    assert role("other", {"app": {**web(), "image": routed}, "other": {"image": other}})[0] is Role.SHARED


def test_docker_hub_may_be_named_or_not() -> None:
    services = {"app": {**web(), "image": "acme/web:7"}, "queue": {"image": "docker.io/acme/queue:7"}}
    assert role("queue", services)[0] is Role.WORKER


def test_the_image_that_another_service_builds_is_a_worker() -> None:
    services = {
        "app": {**web(), "image": "nginx:1"},
        "php": {"image": "shop-php", "build": {"context": "/php"}},
        "queue": {"image": "shop-php"},
    }
    assert role("queue", services) == (Role.WORKER, "it has the code of php, and no route")


def test_the_image_of_a_worker_is_a_worker_whatever_it_writes_to() -> None:
    services = {
        "app": {**web(), "image": "ghcr.io/acme/proxy:1"},
        "api": {"image": "ghcr.io/acme/core:1"},
        "queue": {"image": "ghcr.io/acme/core:1", "volumes": [DATA]},
    }
    assert role("queue", services, volumes={"data": None}) == (
        Role.WORKER,
        "it has the code of api, and no route",
    )


def test_the_image_of_a_worker_is_no_worker_where_the_file_says_so() -> None:
    services = {
        "app": {**web(), "image": "nginx:1"},
        "php": {"image": "shop-php", "build": {"context": "/php"}},
        "queue": {"image": "shop-php", "x-hitless": {"role": "shared"}},
    }
    assert role("queue", services) == (Role.SHARED, "x-hitless says so")


@pytest.mark.parametrize(
    ("image", "product"),
    [
        ("postgres:16", "postgres"),
        ("postgis/postgis:16-3.4", "postgis"),
        ("bitnami/postgresql@sha256:00", "postgresql"),
        ("docker.io/library/redis", "redis"),
        ("localhost:5000/team/my-mysql:8", "mysql"),
        ("docker.elastic.co/elasticsearch/elasticsearch:8.1", "elasticsearch"),
        ("REGISTRY/Mongo", "mongo"),
        ("mcr.microsoft.com/mssql/server:2022-latest", "mssql"),
        ("confluentinc/cp-server:7.6.1", "kafka"),
        ("pgautoupgrade/pgautoupgrade:18-alpine", "pgautoupgrade"),
    ],
)
def test_a_database_is_shared(image: str, product: str) -> None:
    assert role("db", {"db": {"image": image}}) == (
        Role.SHARED,
        f"{product} keeps data, and must run once",
    )


@pytest.mark.parametrize(
    "image",
    [
        "nginx:1",
        "mailhog/mailhog",
        "adminer",
        "provectuslabs/kafka-ui",
        "mongo-express:1",
        "prom/mysqld-exporter",
        "oliver006/redis_exporter",
        "opensearchproject/opensearch-dashboards:2",
        "prodrigestivill/postgres-backup-local:16",
    ],
)
def test_somebody_elses_image_is_shared(image: str) -> None:
    assert role("tool", {"tool": {"image": image}}) == (
        Role.SHARED,
        "its image is not of this application, and it has no route",
    )


def test_what_keeps_data_in_a_volume_of_its_own_is_shared() -> None:
    found = role("db", {"db": {"build": {"context": "/db"}, "volumes": [DATA]}}, volumes={"data": None})
    assert found == (Role.SHARED, "it keeps data in the volume data, and has no route")


def test_what_is_built_here_and_keeps_data_is_doubted_unless_it_has_a_stores_name() -> None:
    built = {"build": {"context": "/x"}, "volumes": [DATA]}
    for name, doubted in (("search", True), ("shop-postgres", False)):
        found = application({"app": web(), name: built}, volumes={"data": None})
        assert (found.services[1].role, bool(found.services[1].doubt)) == (Role.SHARED, doubted)


def test_a_store_that_is_built_here_without_a_volume_is_doubted() -> None:
    found = application({"app": web(), "db": {"build": {"context": "/db"}}})
    assert (found.services[1].role, bool(found.services[1].doubt)) == (Role.SHARED, True)
    # it works with a store, and is none
    assert role("redis-worker", {"redis-worker": {"build": {"context": "/x"}}})[0] is Role.WORKER


@pytest.mark.parametrize(("image", "is_store"), [("acme/user-db:1", True), ("acme/db-api:1", False)])
def test_a_database_may_be_one_by_the_last_word_of_its_image(image: str, is_store: bool) -> None:
    services = {"app": {**web(), "image": "acme/web:1"}, "users": {"image": image}}
    assert role("users", services)[0] is (Role.SHARED if is_store else Role.WORKER)


def test_a_store_with_a_route_runs_once() -> None:
    minio = {
        **web(),
        "image": "minio/minio",
        "labels": {"traefik.http.routers.s3.rule": "Host(`s3.example`)"},
    }
    assert role("minio", {"minio": minio}) == (
        Role.SHARED,
        "minio keeps data, and must run once; its route stays",
    )


def test_a_product_of_others_with_data_beside_what_is_built_here_runs_once() -> None:
    own = {"app": {**web(), "build": {"context": "/app"}}}
    chat = {"image": "acme/chat", "labels": {"traefik.http.routers.chat.rule": "Host(`c.example`)"}}
    found = application({**own, "chat": {**chat, "volumes": [DATA]}}, volumes={"data": None})
    assert [one.role for one in found.services] == [Role.WEB, Role.SHARED]
    assert [one.role for one in application({**own, "chat": chat}).services] == [Role.WEB, Role.WEB]


def test_a_shared_service_with_a_route_stays_one_beside_a_worker_with_its_image() -> None:
    chat = {"image": "acme/chat", "labels": {"traefik.http.routers.chat.rule": "Host(`c.example`)"}}
    services = {
        "app": {**web(), "build": {"context": "/app"}},
        "chat": {**chat, "volumes": [DATA]},
        "jobs": {"image": "acme/chat", "x-hitless": {"role": "worker"}},
    }
    assert application(services, volumes={"data": None}).services[1].role is Role.SHARED


def test_a_monitor_beside_an_application_runs_once_and_alone_it_is_the_application() -> None:
    grafana = {"image": "grafana/grafana", "labels": {"traefik.http.routers.g.rule": "Host(`g.example`)"}}
    assert role("grafana", {"grafana": grafana})[0] is Role.SHARED
    assert application({"grafana": grafana}).services[0].role is Role.WEB


@pytest.mark.parametrize("name", ["migrate", "db-init", "minio-setup"])
def test_what_prepares_something_and_ends_is_a_job_though_nobody_waits(name: str) -> None:
    assert role(name, {name: unrouted("shop:1", restart="no")})[0] is Role.JOB
    assert role(name, {name: unrouted("shop:1")})[0] is Role.JOB  # Compose restarts it no more than that
    assert role(name, {name: unrouted("shop:1", restart="always")})[0] is Role.WORKER
    # it needs the release itself: it can't run before it
    late = unrouted("shop:1", restart="no", depends_on={"app": {"condition": "service_healthy"}})
    assert role(name, {name: late})[0] is Role.WORKER


def test_images_of_one_family_and_tag_are_of_one_release() -> None:
    services = {"app": {**web(), "image": "shop-web:7"}, "api": {"image": "shop-api:7"}}
    assert role("api", services)[0] is Role.WORKER
    assert role("api", {**services, "api": {"image": "shop-api:8"}})[0] is Role.SHARED


@pytest.mark.parametrize("address", ["http://api/v1", "api:8000", "-b=api:8000"])
def test_what_a_web_service_sends_requests_to_is_part_of_the_release(address: str) -> None:
    proxy = web(environment={"BACKEND": address})
    assert role("api", {"app": proxy, "api": {"image": "acme/api"}})[0] is Role.WORKER
    other = web(environment={"BACKEND": address.replace("api", "api-docs")})
    assert role("api", {"app": other, "api": {"image": "acme/api"}})[0] is Role.SHARED


@pytest.mark.parametrize(
    "mount",
    [
        {**DATA, "read_only": True},
        {**DATA, "target": "/app/logs"},
        {"type": "bind", "source": "/srv/uploads", "target": "/files"},
        {"type": "bind", "source": "/tool/src", "target": "/app/src"},
        {"type": "volume", "target": "/data"},
        {"type": "tmpfs", "target": "/data"},
    ],
)
def test_what_keeps_no_data_in_a_volume_is_no_database_for_it(mount: dict[str, Any]) -> None:
    services = {"tool": {"build": {"context": "/tool"}, "volumes": [mount]}}
    assert role("tool", services, volumes={"data": None})[0] is Role.WORKER


def test_a_volume_that_the_web_service_writes_to_as_well_makes_no_database() -> None:
    services = {
        "app": {**web(), "volumes": [DATA]},
        "thumbs": {"build": {"context": "/thumbs"}, "volumes": [DATA]},
    }
    assert role("thumbs", services, volumes={"data": None})[0] is Role.WORKER


STARTED = {"condition": "service_started"}


def of_somebody_else(**api: Any) -> dict[str, Any]:
    """Where the route is a proxy's, and the application is behind it."""
    return {
        "app": web(depends_on={"api": STARTED}) | {"image": "nginx:1"},
        "api": unrouted("acme/api:1", depends_on={"db": STARTED, "render": STARTED}, **api),
        "render": {"image": "other/render:1"},
        "queue": {"image": "acme/api:1", "command": ["work"]},
        "db": {"image": "postgres:16", "depends_on": {"certs": STARTED}},
        "certs": {"image": "certs:1"},
    }


def test_what_a_web_service_needs_is_released_with_it() -> None:
    reason = "app needs it, and it keeps no data"
    assert role("api", of_somebody_else()) == (Role.WORKER, reason)
    assert role("render", of_somebody_else()) == (Role.WORKER, reason)
    assert role("queue", of_somebody_else()) == (Role.WORKER, "it has the code of api, and no route")


@pytest.mark.parametrize("name", ["db", "certs"])
def test_a_database_that_it_needs_and_what_that_needs_are_shared(name: str) -> None:
    assert role(name, of_somebody_else())[0] is Role.SHARED


@pytest.mark.parametrize(
    "keys",
    [
        {"ports": [{"target": 80, "published": "81"}]},
        {"volumes": [{"type": "bind", "source": "/data", "target": "/data"}]},
        {"network_mode": "host"},
        {"privileged": True},
    ],
)
def test_what_it_needs_and_two_copies_can_not_share_is_shared(keys: dict[str, Any]) -> None:
    assert role("api", of_somebody_else(**keys))[0] is Role.SHARED


def test_one_that_may_write_is_doubted_until_the_file_says_what_it_is() -> None:
    mount = {"type": "bind", "source": "/data", "target": "/data"}
    other = {"image": "acme/other", "volumes": [mount]}
    doubted = application({**of_somebody_else(volumes=[mount]), "other": other})
    said = application({**of_somebody_else(volumes=[mount], x_hitless={"role": "shared"}), "other": other})
    assert [one.name for one in doubted.services if one.doubt] == ["api"]
    assert not [one.name for one in said.services if one.doubt]


def test_what_it_needs_may_read_from_the_host() -> None:
    mount = {"type": "bind", "source": "/conf", "target": "/conf", "read_only": True}
    assert role("api", of_somebody_else(volumes=[mount]))[0] is Role.WORKER


def test_a_job_may_be_tried_again() -> None:
    services = {
        "app": web(depends_on={"migrate": ENDED}),
        "migrate": unrouted("shop:1", restart="on-failure:3"),
    }
    assert role("migrate", services)[0] is Role.JOB


def test_what_others_wait_for_to_end_is_a_job() -> None:
    services = {"app": web(depends_on={"migrate": ENDED}), "migrate": unrouted("shop:1", restart="no")}
    assert role("migrate", services) == (Role.JOB, "app waits for its end")


@pytest.mark.parametrize(
    ("waiting", "reason"),
    [
        (("a",), "a waits for its end"),
        (("b", "a"), "a and b wait for its end"),
        (("c", "a", "b"), "a, b and c wait for its end"),
    ],
)
def test_all_that_wait_for_the_end_are_named(waiting: tuple[str, ...], reason: str) -> None:
    services = {name: unrouted("shop:1", depends_on={"migrate": ENDED}) for name in waiting}
    assert role("migrate", {"migrate": unrouted("shop:1"), **services}) == (Role.JOB, reason)


def test_a_job_of_a_shared_service_alone_is_shared() -> None:
    services = {
        "db": {"image": "postgres:16", "depends_on": {"chown": ENDED}},
        "chown": {"image": "busybox"},
    }
    assert role("chown", services) == (Role.SHARED, "the shared db waits for its end")


@pytest.mark.parametrize("where", ["roles", "role"])
@pytest.mark.parametrize("wanted", [Role.SHARED, Role.JOB])
def test_what_the_file_says_goes_first(where: str, wanted: Role) -> None:
    queue = unrouted("shop:1")
    top = {"roles": {"queue": wanted.value}} if where == "roles" else {}
    if where == "role":
        queue["x-hitless"] = {"role": wanted.value}
    assert role("queue", {"queue": queue}, x_hitless=top) == (wanted, "x-hitless says so")


def test_the_service_s_own_word_goes_before_the_application_s() -> None:
    queue = unrouted("shop:1", x_hitless={"role": "job"})
    assert role("queue", {"queue": queue}, x_hitless={"roles": {"queue": "shared"}})[0] is Role.JOB


def findings(services: dict[str, Any], **keys: Any) -> tuple[Finding, ...]:
    return reading.read(compose(services, **keys))[1]


def test_a_role_that_there_is_not() -> None:
    finding = only(findings({"app": web(x_hitless={"role": "database"})}))
    assert finding.path == "services.app.x-hitless.role"
    assert finding.hint == "known: web, worker, shared, job, gateway"


def test_roles_of_services_that_there_are_not() -> None:
    found = findings({"app": web()}, x_hitless={"roles": {"ap": "web", "app": 3}})
    assert at(found, "x-hitless.roles.ap").hint == "did you mean app?"
    assert at(found, "x-hitless.roles.app").message == "3 is not a role"
