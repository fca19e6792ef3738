"""A file that uses all of Compose: hitless starts the containers that Compose itself would start."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import App, docker

Make = Callable[..., App]

BASE = """
x-common: &common
  environment: &environment {RELEASE: "1", COMMON: anchored}
  init: true

include: [more.yml]

services:
  web:
    <<: *common
    build:
      context: source
      target: final
      args: {WORDS: "from an argument"}
      secrets: [token]
    env_file: [web.env, {path: missing.env, required: false}]
    environment: {<<: *environment, OWN: "${FROM_ENV:-default} $$literal"}
    depends_on:
      seed: {condition: service_completed_successfully}
      worker: {condition: service_healthy, restart: true}
      cache: {condition: service_started, required: false}
    labels:
      traefik.http.routers.all.rule: Host(`HOST`)
      traefik.http.services.all.loadbalancer.server.port: 8000
      traefik.http.services.all.loadbalancer.healthcheck.path: /health
      com.example.own: "kept"
    configs: [{source: page, target: /page, mode: 0444}]
    secrets: [{source: token, target: the-token}]
    stop_grace_period: 7s
    stop_signal: SIGTERM
    ulimits: {nofile: {soft: 1024, hard: 2048}, nproc: 512}
    tmpfs: [/scratch:size=1m]
    logging: {driver: json-file, options: {max-size: 1m, max-file: "2"}}
    healthcheck:
      test: [CMD, python3, -c, "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/health')"]
      interval: 30s
      timeout: 3s
      retries: 4
      start_period: 20s
      start_interval: 500ms
    shm_size: 32m
    mem_limit: 200m
    mem_reservation: 100m
    cpus: 0.9
    pids_limit: 99
    cap_drop: [ALL]
    cap_add: [NET_BIND_SERVICE]
    security_opt: ["no-new-privileges:true"]
    sysctls: {net.core.somaxconn: 512}
    extra_hosts: ["far.example:192.0.2.7"]
    dns: [192.0.2.53]
    dns_search: [example.org]
    dns_opt: ["timeout:1"]
    hostname: the-host
    domainname: example.org
    working_dir: /tmp
    group_add: ["1234"]
    oom_score_adj: 100
    expose: ["8000"]
    volumes:
      - ./source:/source:ro
      - {type: tmpfs, target: /fast, tmpfs: {size: 1000000}}
      - {type: volume, source: shared, target: /shared, read_only: true}
  worker:
    extends: {file: common.yml, service: worker}
    image: IMAGE
    platform: linux/amd64
    user: "1000:1000"
    read_only: true
    tty: true
    stdin_open: true
    userns_mode: host
    ipc: private
    cgroup: private
    annotations: {com.example.note: "seen"}
    deploy: {resources: {limits: {cpus: "0.5", memory: 100M}, reservations: {memory: 50M}}}
  cache:
    image: IMAGE
    profiles: [cached]
volumes:
  shared: {}
configs:
  page: {content: "from the file\\n"}
secrets:
  token: {file: ./token}
"""
OVERRIDE = """
services:
  web:
    environment: {OVERRIDDEN: "by the second file"}
    entrypoint: [python3, -S, -E]
    command: [/app.py]
"""
FILES = {
    "base.yml": BASE,
    "override.yml": OVERRIDE,
    "more.yml": "services: {seed: {image: IMAGE, command: ['true']}}\n",
    "common.yml": """
services:
  worker:
    environment: {RELEASE: "1", EXTENDED: "yes"}
    healthcheck: {test: "true", interval: 1s}
""",
    "web.env": "FROM_FILE='quoted value'\n",
    "token": "s3cret\n",
    "variables": "FROM_ENV=interpolated\n",
    "source/Dockerfile": """
FROM IMAGE AS final
ARG WORDS
ENV WORDS=$WORDS
RUN --mount=type=secret,id=token,mode=0444 grep -q s3cret /run/secrets/token
FROM final AS other
ENV OTHER=1
""",
}
# what belongs to a colour or to nobody: names, networks, the policy that shows what is live
_DIFFERENT = {
    "Config": {"Image", "Labels", "Hostname"},
    "HostConfig": {"NetworkMode", "RestartPolicy", "ContainerIDFile"},
}


@pytest.fixture
def whole(app: Make, image: str, tmp_path: Path) -> App:
    made = app("services: {}")
    for path, text in FILES.items():
        file = tmp_path / "all" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text.replace("IMAGE", image).replace("HOST", made.host))
    return made


@contextmanager
def created_by_compose(name: str, *options: str) -> Iterator[str]:
    project = ("compose", "-p", name, *options)
    docker(*project, "create", "--build")
    try:
        yield name
    finally:
        docker(*project, "down", "--volumes", "--rmi", "local", "--timeout", "1")


def made_as(container: str, project: str) -> dict[str, Any]:
    """How a container was made, without what differs for each."""
    identity = docker("inspect", container, "--format", "{{.Id}}")[:12]
    [found] = json.loads(docker("inspect", container).replace(project, "PROJECT").replace(identity, "ID"))
    return {
        part: {key: normal(value) for key, value in found[part].items() if key not in different}
        for part, different in _DIFFERENT.items()
    }


def normal(value: Any) -> Any:
    """Lists in any order; a job also gets HITLESS_…."""
    if not isinstance(value, list):
        return value
    return sorted((one for one in value if not str(one).startswith("HITLESS_")), key=str)


def test_containers_are_made_as_compose_makes_them(whole: App, tmp_path: Path) -> None:
    directory = tmp_path / "all"
    options = (
        *("-f", str(directory / "base.yml"), "-f", str(directory / "override.yml")),
        *("--env-file", str(directory / "variables"), "--profile", "cached"),
    )
    cli = whole.cli.__class__(("-p", whole.name, *options), whole.cli.environment)
    cli.run("deploy")
    assert whole.get().headers["X-Release"] == "1"
    labels = json.loads(docker("inspect", f"{whole.name}-blue-web-1", "--format", "{{json .Config.Labels}}"))
    assert labels["com.example.own"] == "kept"
    assert docker("exec", f"{whole.name}-blue-web-1", "cat", "/page", "/run/secrets/the-token") == (
        "from the file\ns3cret"
    )
    with created_by_compose(f"{whole.name}-plain", *options) as plain:
        # two copies can't both have it on each of their networks: it is a name within the colour
        assert docker("exec", f"{whole.name}-blue-worker-1", "getent", "hosts", "the-host")
        for service in ("web", "worker", "cache", "seed"):
            expected = made_as(f"{plain}-{service}-1", plain)
            assert made_as(f"{whole.name}-blue-{service}-1", whole.name) == expected, service
