"""The roles in files of the shapes that Compose applications commonly have, read by Compose itself.

Each folder beside this file is one application; no engine is asked for.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from hitless.adapters.docker.cli import DockerCli
from hitless.adapters.docker.compose_file import resolve
from hitless.adapters.docker.compose_files import ComposeOptions
from hitless.domain.application import read as reading

HERE = Path(__file__).parent

ROLES = {
    "cloud": {"web": "web", "app cron": "worker", "db cache": "shared"},
    "social": {"web streaming": "web", "sidekiq": "worker", "db redis": "shared"},
    "flows": {"api": "web", "init": "job", "scheduler worker": "worker", "postgres redis": "shared"},
    "template": {"adminer backend frontend": "web", "prestart": "job", "db mailcatcher": "shared"},
    "layers": {"frontend": "web", "backend queue": "worker", "db": "shared"},
    "extended": {"web": "web", "worker": "worker", "db events": "shared"},
    "included": {"web": "web", "db": "shared"},
    "secrets": {"proxy": "web", "backend": "worker", "db events": "shared"},
    "framework": {"django": "web", "celeryworker celerybeat nginx": "worker", "postgres redis": "shared"},
    "profiled": {"web": "web", "worker": "worker", "postgres": "shared"},
    "streams": {"api": "web", "topics": "job", "consumer": "worker", "kafka ui": "shared"},
    "monitored": {"grafana": "web", "loki promtail prometheus exporter": "shared"},
}
FILES = {"layers": ("compose.yaml", "db.yaml", "routes.yaml")}


def test_every_folder_is_in_the_table() -> None:
    assert {path.parent.name for path in HERE.glob("*/compose.yaml")} == set(ROLES)


@pytest.mark.parametrize("name", ROLES)
def test_the_roles(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HERE / name)

    model, warnings = resolve(DockerCli(), ComposeOptions(FILES.get(name, ())))
    application, findings = reading.read(model)

    assert (warnings, findings) == ((), ())
    expected = {service: role for services, role in ROLES[name].items() for service in services.split()}
    assert {service.name: str(service.role) for service in application.services} == expected
