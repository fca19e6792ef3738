"""The volumes of an application on Docker's command line."""

from __future__ import annotations

from hitless.adapters.docker.cli import DockerCli
from hitless.adapters.docker.queries import options, rows
from hitless.domain.common.errors import HitlessError
from hitless.domain.common.foreign import Json
from hitless.domain.common.names import COMPOSE_PROJECT as PROJECT
from hitless.domain.common.names import LABEL_APPLICATION

_VOLUME = "com.docker.compose.volume"


def create_volumes(cli: DockerCli, application: str, model: Json, volumes: Json) -> None:
    """Create the volumes of a model that are missing, for the application."""
    names = {key: volume["name"] for key, volume in model["volumes"].items() if key in volumes}
    if names:
        present = {row[0]: row[1] for row in rows(cli, "volume", "Name", f"={LABEL_APPLICATION}")}
        for key, name in names.items():
            if name not in present:
                _create_volume(cli, application, key, name, volumes[key])
            elif present[name] not in ("", application):
                raise HitlessError(
                    f"the volume {name} belongs to the application {present[name]}",
                    f"give the volume {key} its own `name:`, or make it external to share it",
                )


def _create_volume(cli: DockerCli, application: str, key: str, name: str, volume: Json) -> None:
    labels = {
        **(volume.get("labels") or {}),
        # Compose's own labels, so that plain `docker compose` finds the volume in the base project
        PROJECT: application,
        _VOLUME: key,
        LABEL_APPLICATION: application,
    }
    words = options(label=labels, opt=volume.get("driver_opts") or {})
    driver = ("--driver", volume["driver"]) if volume.get("driver") else ()
    cli.change("volume", "create", *driver, *words, name)
