"""What an image is, by its name: a product that keeps data, a Traefik, one of the same family. Pure."""

from __future__ import annotations

import re

from hitless.domain.common.foreign import Json

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
# as the last word of a name: `user-db`, and not `db-api`
_ENDS = _STATEFUL | {"db", "database"}
# images whose names do not have the product's name
_ALSO_STATEFUL = {"mssql/server": "mssql", "confluentinc/cp-server": "kafka"}
# an image with such a word in its name only reads or serves a product's data: kafka-ui, mysqld-exporter
_TOOLWORDS = """
    admin backup client commander connect consumer dashboards exporter express insight meta migrate producer
    rest setup ui worker
"""
_TOOLS = frozenset(_TOOLWORDS.split())
# They watch or manage other services, and keep what users make with them: dashboards, accounts. Beside an
# application they are no part of its releases.
_MONITORS = frozenset({"grafana", "pgadmin", "pgadmin4", "portainer", "portainer-ce", "uptime-kuma"})
# They keep what people write together in memory, and their makers say that a second copy on the same database
# would overwrite it (docs.hedgedoc.org/faq, github.com/ether/etherpad-lite/wiki).
_TOGETHER = frozenset({"codimd", "etherpad", "hackmd", "hedgedoc"})
# Registries and publishers that have many products, which do not belong together.
_PUBLISHERS = """
    docker.io library apache bitnami bitnamilegacy confluentinc grafana linuxserver lscr.io/linuxserver
    ghcr.io/linuxserver mcr.microsoft.com prom public.ecr.aws/docker/library quay.io/prometheus
"""
_OF_MANY = frozenset(_PUBLISHERS.split())
_WORDS = re.compile(r"[^a-z0-9]+")


def stateful(service: Json) -> str:
    """The product in a service's image, if it is one that keeps data; "" for other images."""
    image = str(service.get("image") or "")
    for path, product in _ALSO_STATEFUL.items():
        if f"/{_without_tag(image)}".endswith(f"/{path}"):
            return product
    words = words_of(product_name(image))
    found = (word for word in words if word in _STATEFUL)
    return "" if _TOOLS.intersection(words) else next(found, words[-1] if words[-1] in _ENDS else "")


def is_called_like_a_store(name: str) -> bool:
    """Whether a service of this name is a store: `db`, `shop-postgres`; not `kafka-ui`, `redis-worker`."""
    words = words_of(name.lower())
    return words[-1] in _ENDS and not _TOOLS.intersection(words)


def is_monitor(service: Json) -> bool:
    """Whether a service's image is a known tool that watches other services, and keeps data."""
    return product_name(str(service.get("image") or "")) in _MONITORS


def written_together(service: Json) -> str:
    """The product in a service's image, if it keeps open documents in memory; "" for other images."""
    words = words_of(product_name(str(service.get("image") or "")))
    return "" if _TOOLS.intersection(words) else next((word for word in words if word in _TOGETHER), "")


def is_traefik(image: str) -> bool:
    """Whether an image is Traefik's."""
    return product_name(image) == "traefik"


def product_name(image: str) -> str:
    """The name in an image reference, without registry, tag and digest: the last part of its path."""
    return _without_tag(image).rpartition("/")[2]


def is_related(image: str, other: str) -> bool:
    """Whether two images come from one place: `ghcr.io/acme/web`, `acme/queue`; or `shop-web`, `shop-queue`.

    Images without a path are also related if their names begin with the same word and their tags are equal.
    """
    if (where := _namespace(image)) or _namespace(other):
        return where == _namespace(other)
    names = [words_of(product_name(one)) for one in (image, other)]
    is_family = all(len(words) > 1 for words in names) and names[0][0] == names[1][0]
    return is_family and "/" not in image + other and _tag(image) == _tag(other)


def words_of(text: str) -> list[str]:
    """The words of a name in lower case, at least one: `kafka-ui` has two."""
    return _WORDS.split(text)


def _tag(image: str) -> str:
    return image.partition("@")[0].rpartition("/")[2].partition(":")[2]


def _without_tag(image: str) -> str:
    """An image reference without its tag and digest. No tag begins at the `:` before a registry's port."""
    path, slash, last = image.partition("@")[0].lower().rpartition("/")
    return path + slash + last.partition(":")[0]


def _namespace(image: str) -> str:
    """Where an image comes from: `ghcr.io/acme` for `ghcr.io/acme/web:1`; "" for an image without a path.

    It is also "" if many products come from there: then it does not tell which application the image is for.
    """
    where = _without_tag(image).rpartition("/")[0].removeprefix("docker.io/")
    return "" if where in _OF_MANY else where
