"""The role of each service, by rules from the Compose model, with the reason. Pure.

The first rule that fits counts. A `role` in the file's `x-hitless` overrides all rules.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from hitless.domain.application.model import Role
from hitless.domain.common.foreign import Json

ENDED = "service_completed_successfully"
# There are many images of one product: official ones, bitnami's, forks. All have the product's name.
_PRODUCTS = """
    postgres postgresql postgis pgvector timescaledb timescale supabase mysql mariadb percona mssql
    mongo mongodb ferretdb redis valkey keydb dragonfly memcached rabbitmq activemq artemis nats kafka
    redpanda oracle pulsar zookeeper elasticsearch opensearch solr meilisearch typesense influxdb clickhouse
    cassandra scylla couchdb couchbase neo4j arangodb surrealdb rethinkdb cockroach cockroachdb yugabyte tidb
    minio etcd consul vault mosquitto emqx beanstalkd qdrant weaviate milvus chroma victoriametrics prometheus
    loki firebird pgautoupgrade seaweedfs questdb eventstore eventstoredb kurrentdb
"""
_STATEFUL = frozenset(_PRODUCTS.split())
# images whose names do not have the product's name
_ALSO_STATEFUL = {"mssql/server": "mssql", "confluentinc/cp-server": "kafka"}
# an image with such a word in its name only reads or serves a product's data: kafka-ui, mysqld-exporter
_TOOLWORDS = "admin backup commander connect dashboards exporter express insight meta rest ui"
_TOOLS = frozenset(_TOOLWORDS.split())
_WORDS = re.compile(r"[^a-z0-9]+")
# Registries and publishers that have many products, which do not belong together.
_PUBLISHERS = """
    docker.io library apache bitnami bitnamilegacy confluentinc grafana linuxserver lscr.io/linuxserver
    ghcr.io/linuxserver mcr.microsoft.com prom public.ecr.aws/docker/library quay.io/prometheus
"""
_OF_MANY = frozenset(_PUBLISHERS.split())


@dataclass(frozen=True)
class Assignment:
    """The role of a service, and the reason: the end of the sentence "it has this role because …".

    `doubt` says why the role is only a guess; "" if it is not.
    """

    role: Role
    reason: str
    doubt: str = ""


def assign(model: Json, routed: Collection[str], said: Mapping[str, Role]) -> dict[str, Assignment]:
    """The role of every service. `routed` are those with a route, `said` the roles that the file names."""
    services: Mapping[str, Json] = model.get("services") or {}
    webs = [name for name in services if said.get(name, Role.WEB if name in routed else None) is Role.WEB]
    assignments = {
        name: Assignment(said[name], "x-hitless says so")
        if name in said
        else _assigned(name, services, routed, webs)
        for name in services
    }
    _join_workers(services, assignments, said)
    for name, assignment in assignments.items():
        waiting = sorted(_waiting_for_the_end_of(name, services))
        if assignment.role is Role.JOB and name not in said and _shared(waiting, assignments):
            # it works for a service that runs once: for example, it prepares a database's volume
            assignments[name] = Assignment(Role.SHARED, f"the shared {_wait_for_its_end(waiting)}")
    return assignments


def _join_workers(
    services: Mapping[str, Json], assignments: dict[str, Assignment], said: Collection[str]
) -> None:
    """Make workers of the services with a worker's image: one release has them all."""
    images = {
        services[name].get("image"): name
        for name, assignment in assignments.items()
        if assignment.role is Role.WORKER
    }
    for name, assignment in assignments.items():
        worker = images.get(services[name].get("image") or "")
        if worker and assignment.role is Role.SHARED and name not in said and not stateful(services[name]):
            assignments[name] = Assignment(Role.WORKER, _the_code_of(worker))


def _the_code_of(name: str) -> str:
    return f"it has the code of {name}, and no route"


def _wait_for_its_end(names: list[str]) -> str:
    listed = ", ".join(names[:-1]) + " and " + names[-1] if names[1:] else names[0]
    return f"{listed} {'wait' if names[1:] else 'waits'} for its end"


def _shared(names: Collection[str], assignments: Mapping[str, Assignment]) -> bool:
    return any(assignments[name].role is Role.SHARED for name in names)


def _assigned(
    name: str, services: Mapping[str, Json], routed: Collection[str], webs: list[str]
) -> Assignment:
    service = services[name]
    image = str(service.get("image") or "")
    if is_traefik(image):
        return Assignment(Role.GATEWAY, "it is a Traefik: left out, as hitless's gateway takes its place")
    if name in routed:
        return Assignment(Role.WEB, "it has a route")
    waiting = sorted(_waiting_for_the_end_of(name, services))
    if waiting and ends(service):
        return Assignment(Role.JOB, _wait_for_its_end(waiting))
    for web in webs:
        if _is_same(service, services[web]):
            return Assignment(Role.WORKER, _the_code_of(web))
    if product := stateful(service):
        return Assignment(Role.SHARED, f"{product} keeps data, and must run once")
    if volume := _volume_of_its_own(name, services):
        return Assignment(Role.SHARED, f"it keeps data in the volume {volume}, and has no route")
    if "build" in service:
        return Assignment(Role.WORKER, "it is built with the release, and has no route")
    for web in webs:
        if _namespace(image) and _namespace(image) == _namespace(str(services[web].get("image") or "")):
            return Assignment(Role.WORKER, f"its image comes from the same place as the image of {web}")
    for web in webs:
        if name in _needed(web, services) and not _is_bound(service):
            return Assignment(Role.WORKER, f"{web} needs it, and it keeps no data")
    foreign = "its image is not of this application, and it has no route"
    for web in webs:
        if name in _needed(web, services) and _has_mounts(service) and not _ports(service):
            return Assignment(Role.SHARED, foreign, f"{web} needs it, and it may write to what it mounts")
    return Assignment(Role.SHARED, foreign)


def is_traefik(image: str) -> bool:
    """Whether an image is Traefik's."""
    return product_name(image) == "traefik"


def _waiting_for_the_end_of(name: str, services: Mapping[str, Json]) -> Iterator[str]:
    for other, service in services.items():
        if other != name and condition(service, name) == ENDED:
            yield other


def ends(service: Json) -> bool:
    """Whether a service may end: Docker does not restart it forever."""
    return str(service.get("restart") or "no").partition(":")[0] in ("no", "on-failure")


def _needed(web: str, services: Mapping[str, Json]) -> set[str]:
    """The services that a web service depends on, directly or through others; no databases."""
    found: set[str] = set()
    waiting = [web]
    while waiting:
        for name in depends_on(services[waiting.pop()]):
            if name in services and name not in found and not stateful(services[name]):
                found.add(name)
                waiting.append(name)
    return found


def _is_bound(service: Json) -> bool:
    """Whether two copies can't share something of this service: a port of the host, a place to write to."""
    return bool(
        _has_mounts(service) or _ports(service) or service.get("network_mode") or service.get("privileged")
    )


def _has_mounts(service: Json) -> bool:
    mounts = (mount for mount in service.get("volumes") or () if mount.get("type") in ("volume", "bind"))
    return any(not mount.get("read_only") for mount in mounts)


def _ports(service: Json) -> bool:
    return any(port.get("published") for port in service.get("ports") or ())


def stateful(service: Json) -> str:
    """The product in a service's image, if it is one that keeps data; "" for other images."""
    image = str(service.get("image") or "")
    for path, product in _ALSO_STATEFUL.items():
        if f"/{_without_tag(image)}".endswith(f"/{path}"):
            return product
    words = _WORDS.split(product_name(image))
    return "" if _TOOLS.intersection(words) else next((word for word in words if word in _STATEFUL), "")


def depends_on(service: Json) -> tuple[str, ...]:
    """The services that this one waits for."""
    return tuple(service.get("depends_on") or ())


def condition(service: Json, other: str) -> str:
    """The condition of the other service that this one waits for; "" if it does not wait for it."""
    wanted = service.get("depends_on") or {}
    return str((wanted[other] or {}).get("condition") or "service_started") if other in wanted else ""


def _is_same(service: Json, web: Json) -> bool:
    """Whether both run the same code: one image, or one build."""
    if service.get("image") and service.get("image") == web.get("image"):
        return True
    return "build" in service and _built_from(service) == _built_from(web)


def _built_from(service: Json) -> tuple[object, ...] | None:
    build = service.get("build")
    if not isinstance(build, Mapping):
        return None
    # with another target or argument it is another image, but from the same source
    return (build.get("context"), build.get("dockerfile"), build.get("dockerfile_inline"))


def _volume_of_its_own(name: str, services: Mapping[str, Json]) -> str:
    """A named volume that only this service writes to; "" if there is none."""
    for mount in services[name].get("volumes") or ():
        source = str(mount.get("source") or "")
        if mount.get("type") != "volume" or mount.get("read_only") or not source:
            continue
        others = (
            other.get("source")
            for key, service in services.items()
            if key != name
            for other in service.get("volumes") or ()
            if not other.get("read_only")
        )
        if source not in others:
            return source
    return ""


def _without_tag(image: str) -> str:
    """An image reference without its tag and digest. No tag begins at the `:` before a registry's port."""
    path, slash, last = image.partition("@")[0].lower().rpartition("/")
    return path + slash + last.partition(":")[0]


def product_name(image: str) -> str:
    """The name in an image reference, without registry, tag and digest: the last part of its path."""
    return _without_tag(image).rpartition("/")[2]


def _namespace(image: str) -> str:
    """Where an image comes from: `ghcr.io/acme` for `ghcr.io/acme/web:1`; "" for an image without a path.

    It is also "" if many products come from there: then it does not tell which application the image is for.
    """
    where = _without_tag(image).rpartition("/")[0].removeprefix("docker.io/")
    return "" if where in _OF_MANY else where
