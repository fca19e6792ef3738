"""The Compose models that hitless hands to Compose: one to build the images, one for a colour. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hitless.domain.model import (
    Application,
    Colour,
    Json,
    Release,
    colour_project,
    image_reference,
)
from hitless.domain.world import Gateway

# The article's name of the gateway's network, which Compose files name even where the gateway is another
GATEWAY_NETWORK = "traefik_webgateway"

LABEL_GATEWAY = "hitless.gateway"
LABEL_APPLICATION = "hitless.application"
LABEL_COLOUR = "hitless.colour"
LABEL_RELEASE = "hitless.release"
LABEL_SERVICE = "com.docker.compose.service"  # Compose's own


def build_model(application: Application, number: int) -> dict[str, Any]:
    """The model for `docker compose build`: only what is built, each under its release's own image tag."""
    services = {
        name: {
            "build": service["build"],
            "image": image_reference(application.name, number, name),
            **({"platform": service["platform"]} if "platform" in service else {}),
        }
        for name, service in application.model["services"].items()
        if "build" in service
    }
    secrets = application.model.get("secrets") or {}
    return {"name": application.name, "services": services, "secrets": secrets}


def colour_model(
    application: Application, release: Release, colour: Colour, gateway: Gateway
) -> dict[str, Any]:
    """The model of one colour.

    Images are the release's own, Traefik's labels are gone (the routing file has them), what two colours
    would fight over is per colour (networks) or shared under the base project's names (volumes), and the
    gateway's network is left out: containers are connected to it without Compose's alias of the service
    name, or two colours would both answer for that name there.
    """
    model = application.model
    left_out = gateway_networks(model, gateway.network)
    return {
        "name": colour_project(application.name, colour),
        "services": {
            name: {
                **_service(service, left_out),
                "image": image_reference(application.name, release.number, name),
                "pull_policy": "never",
                # set when it goes live (`restart_policies`): an engine that comes back must not bring a
                # candidate with it
                "restart": "no",
                "labels": {
                    **_own_labels(service),
                    # an image may bring labels of its own, and a Traefik that listens to Docker may be about
                    "traefik.enable": "false",
                    LABEL_GATEWAY: gateway.project,
                    LABEL_APPLICATION: application.name,
                    LABEL_COLOUR: str(colour),
                    LABEL_RELEASE: str(release.number),
                },
            }
            for name, service in model["services"].items()
        },
        "networks": {
            "default": _network({}, application.name),
            **{
                key: _network(network or {}, application.name)
                for key, network in (model.get("networks") or {}).items()
                if key not in left_out
            },
        },
        "volumes": {key: {"name": name, "external": True} for key, name in volume_names(model).items()},
        **{
            key: value
            for key, value in model.items()
            if key not in ("name", "services", "networks", "volumes") and not key.startswith("x-")
        },
    }


def volume_names(model: Json) -> dict[str, str]:
    """Every named volume of the model: key -> its name on the engine."""
    return {
        key: str((volume or {}).get("name") or f"{model['name']}_{key}")
        for key, volume in (model.get("volumes") or {}).items()
    }


def own_volumes(model: Json) -> dict[str, Json]:
    """The named volumes that the application creates itself: key -> their definition."""
    return {
        key: volume or {}
        for key, volume in (model.get("volumes") or {}).items()
        if not (volume or {}).get("external")
    }


def built_image(application: Application, number: int, service: str) -> str | None:
    """Where a service without `build` names the image that another one builds: that one's reference."""
    image = application.model["services"][service].get("image")
    for name, other in application.model["services"].items():
        if "build" in other and image is not None and other.get("image") == image:
            return image_reference(application.name, number, name)
    return None


def gateway_networks(model: Json, gateway_network: str) -> set[str]:
    """The keys of the networks in the model that are the gateway's."""
    return {
        key
        for key, network in (model.get("networks") or {}).items()
        if (network or {}).get("external")
        and (network or {}).get("name", key) in (gateway_network, GATEWAY_NETWORK)
    }


def replicas(application: Application, colour: Colour) -> dict[str, tuple[str, ...]]:
    """The names that Compose gives a colour's containers: service -> names."""
    project = colour_project(application.name, colour)
    return {
        service.name: tuple(f"{project}-{service.name}-{number}" for number in range(1, service.replicas + 1))
        for service in application.services
    }


def restart_policies(application: Application, colour: Colour) -> dict[str, str]:
    """How a colour's containers are to be restarted once it is live: container -> Docker's restart policy.

    As the service says; one with a route comes back where nothing is said, or a reboot would end the site.
    Not `unless-stopped`: after a crash the engine takes what it finds running for stopped by hand (measured).
    """
    found = {}
    for service, containers in replicas(application, colour).items():
        model = application.model["services"][service]
        policy = str(model.get("restart") or _deploy_policy(model) or "")
        policy = policy or ("always" if application.is_web(service) else "no")
        if policy != "no":
            found.update(dict.fromkeys(containers, policy))
    return found


def _deploy_policy(service: Json) -> str | None:
    """`deploy.restart_policy` in Docker's words, as Compose translates it."""
    wanted = (service.get("deploy") or {}).get("restart_policy")
    if wanted is None:
        return None
    policy = {"none": "no", "on-failure": "on-failure"}.get(wanted.get("condition"), "always")
    attempts = wanted.get("max_attempts")
    return f"{policy}:{attempts}" if policy == "on-failure" and attempts else policy


def _service(service: Json, left_out: set[str]) -> dict[str, Any]:
    dropped = ("build", "profiles", "labels", "networks", "image", "pull_policy", "restart")
    kept = {key: value for key, value in service.items() if key not in dropped and not key.startswith("x-")}
    if "restart_policy" in (kept.get("deploy") or {}):
        kept["deploy"] = {key: value for key, value in kept["deploy"].items() if key != "restart_policy"}
    networks = {key: value for key, value in (service.get("networks") or {}).items() if key not in left_out}
    return {**kept, **({"networks": networks} if networks else {})}


def _own_labels(service: Json) -> dict[str, Any]:
    labels = service.get("labels") or {}
    return {key: value for key, value in labels.items() if not key.lower().startswith("traefik.")}


def _network(network: Json, application: str) -> Mapping[str, Any]:
    if network.get("external"):
        return network
    own = {key: value for key, value in network.items() if key != "name"}
    return {**own, "labels": {**(network.get("labels") or {}), LABEL_APPLICATION: application}}


def on_gateway_network(model: Json, gateway_network: str) -> set[str]:
    """The services that the file itself puts on the gateway's network."""
    keys = gateway_networks(model, gateway_network)
    return {name for name, service in model["services"].items() if keys & set(service.get("networks") or ())}
