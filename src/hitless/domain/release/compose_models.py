"""The Compose models that hitless hands to Compose: one to build the images, one for a colour. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from hitless.domain.application.model import Application, Hook, Role, When
from hitless.domain.common.foreign import Json
from hitless.domain.common.names import (
    FIXED_NAMES,
    LABEL_APPLICATION,
    LABEL_COLOUR,
    LABEL_GATEWAY,
    LABEL_RELEASE,
    Colour,
    colour_project,
    image_reference,
)
from hitless.domain.gateway.model import Gateway
from hitless.domain.release import networks
from hitless.domain.release.compose_networks import (
    as_created,
    base_networks,
    colour_networks,
    gateway_networks,
    kept_networks,
    networks_of_colours,
    on_the_way,
    own_networks,
)
from hitless.domain.release.model import Release
from hitless.domain.release.prepared import Prepared

# Keys without a meaning for a container that runs to its end
_NOT_ONCE = ("healthcheck", "ports", "expose", "scale", "depends_on")


def build_model(application: Application, references: Mapping[str, str]) -> dict[str, Any]:
    """The model for `docker compose build`: the services to build, with these image names.

    `references` maps service -> image name.
    """
    services = {
        one.name: {
            "build": service["build"],
            "image": references[one.name],
            **({"platform": service["platform"]} if "platform" in service else {}),
        }
        for one in application.released
        if "build" in (service := application.model["services"][one.name])
    }
    secrets = application.model.get("secrets") or {}
    return {"name": application.name, "services": services, "secrets": secrets}


def base_model(application: Application, gateway: Gateway | None = None) -> dict[str, Any]:
    """The model of the base project: the shared services as the file has them.

    So Compose's digest of each is the same as with plain `docker compose up`, and Compose recognizes a
    container that runs already. With a `gateway`, they are not on its network: other applications would find
    them there by name. Those with a route are on the application's own way to the gateway. Networks that
    hitless creates (`base_networks`) are then external for Compose.
    """
    model = application.model
    names = {service.name for service in application.having(Role.SHARED)}
    left_out = gateway_networks(model, gateway.network) if gateway else set()
    with_route = {service.name for service in application.shared_with_route}

    def networks_of(name: str, service: Json) -> dict[str, Any]:
        kept = kept_networks(service, left_out)
        return on_the_way(application, name, {**service, **kept}) if name in with_route else kept

    return {
        **_without_extensions(model),
        "services": {
            name: {
                **{key: value for key, value in _without_extensions(service).items() if key != "depends_on"},
                **_depends_on(service, names),
                **(networks_of(name, service) if gateway else {}),
            }
            for name, service in model["services"].items()
            if name in names
        },
        "networks": {
            **{key: one for key, one in (model.get("networks") or {}).items() if key not in left_out},
            **(as_created(base_networks(application, gateway)) if gateway else {}),
        },
        "volumes": _external_volumes(model),
    }


def colour_model(
    application: Prepared,
    release: Release,
    colour: Colour,
    gateway: Gateway,
    live: Colour | None = None,
    is_brought_back: bool = False,
) -> dict[str, Any]:
    """The model of one colour: the services of the release, and a service for each of its hooks.

    - Images are the release's own. Traefik's labels are not here: the routing file has them.
    - Each colour has its own networks. Both colours share the volumes, under the base project's names.
    - Networks of others, and the gateway's, are left out. hitless connects the containers to them, without
      Compose's alias of the service name: with it, both colours would answer to that name there.

    `live` is the colour that is live when this one starts. A release that is brought back has no jobs.
    """
    model = application.model
    running = {service.name for service in application.having(Role.WEB, Role.WORKER)}
    published = {service.name for service in application.services if service.publish}
    jobs = () if is_brought_back else application.having(Role.JOB)
    labels = {
        # an image may have labels of its own, and another Traefik on the host may read Docker's labels
        "traefik.enable": "false",
        LABEL_GATEWAY: gateway.project,
        LABEL_APPLICATION: application.name,
        LABEL_COLOUR: str(colour),
        LABEL_RELEASE: str(release.number),
    }

    def service(name: str, **changes: Any) -> dict[str, Any]:
        found = model["services"][name]
        return {
            **_service(found, set(own_networks(model)), name in published),
            **_depends_on(found, running),
            **_links(found, running),
            "image": image_reference(application.name, release.number, name),
            "pull_policy": "never",
            # `restart_policies` are set at the cutover: after a restart of the engine, a candidate must not
            # come back
            "restart": "no",
            "labels": {**_own_labels(found), **labels},
            **changes,
        }

    def once(name: str, **changes: Any) -> dict[str, Any]:
        """A service that runs to its end: it is told of the deployment, and waits for no other service."""
        told = {**environment(application, release, colour, live), **changes.pop("environment", {})}
        own = model["services"][name].get("environment") or {}
        found = service(name, environment={**own, **told}, **changes)
        return {key: one for key, one in found.items() if key not in _NOT_ONCE}

    made = {
        "name": colour_project(application.name, colour),
        "services": {
            **{name: service(name) for name in model["services"] if name in running},
            **{job.name: once(job.name) for job in jobs},
            **{
                hook_service(hook): once(
                    hook.service, command=list(hook.command), environment={"HITLESS_HOOK": str(hook.when)}
                )
                for hook in hooks(application, is_brought_back)
                if hook.service
            },
        },
        "volumes": _external_volumes(model),
        **{
            key: value
            for key, value in _without_extensions(model).items()
            if key not in ("name", "services", "networks", "volumes")
        },
    }
    own = {
        key: _network(network, application.name)
        for key, network in networks_of_colours(model).items()
        if not networks.leaves_addresses(network)
    }
    created = colour_networks(made, application, gateway)[:-1]
    return {**made, "networks": {**own, **as_created(created)}}


def hooks(application: Application, is_brought_back: bool) -> tuple[Hook, ...]:
    """The hooks of a deployment; a release that is brought back has run those before the start already."""
    return tuple(
        hook for hook in application.hooks if not (is_brought_back and hook.when is When.BEFORE_START)
    )


def hook_service(hook: Hook) -> str:
    """The name of a hook's service in the colour's model."""
    return f"hook-{hook.name}"


def environment(
    application: Prepared, release: Release, colour: Colour, live: Colour | None
) -> dict[str, str]:
    """The environment that tells jobs and hooks about their deployment."""
    webs = {one.name for one in application.having(Role.WEB)}
    backend = next((one for one in application.routes.backends if one.service in webs), None)
    container = f"{colour_project(application.name, colour)}-{backend.service}-1" if backend else ""
    return {
        "HITLESS_APPLICATION": application.name,
        "HITLESS_RELEASE": str(release.number),
        "HITLESS_REVISION": release.revision,
        "HITLESS_COLOUR": str(colour),
        "HITLESS_LIVE_COLOUR": str(live or ""),
        # the first routed container, as the release's own containers reach it
        "HITLESS_PREVIEW": f"http://{container}:{backend.port}" if backend and backend.port else "",
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


def builder(application: Application, service: str) -> str | None:
    """The service that builds the image which this service names; None if no service builds it."""
    image = application.model["services"][service].get("image")
    for name in (one.name for one in application.released):
        other = application.model["services"][name]
        if "build" in other and image is not None and other.get("image") == image:
            return name
    return None


def _service(service: Json, own: Collection[str], is_published: bool) -> dict[str, Any]:
    """A service of a colour. Of its networks it keeps those in `own`.

    Its fixed names (`container_name`, `hostname`) become aliases there. Two copies can't both have the first
    one. With the second one, the engine (25 and newer) lets a container answer to it on all its networks.
    """
    dropped = (
        *("build", "profiles", "labels", "networks", "image", "pull_policy", "restart", "depends_on"),
        *("container_name", "hostname", *(("ports",) if is_published else ())),
    )
    kept = {key: value for key, value in _without_extensions(service).items() if key not in dropped}
    if "restart_policy" in (kept.get("deploy") or {}):
        kept["deploy"] = {key: value for key, value in kept["deploy"].items() if key != "restart_policy"}
    on = {key: value for key, value in (service.get("networks") or {}).items() if key in own}
    names = [str(service[key]) for key in FIXED_NAMES if service.get(key)]
    if names and not service.get("network_mode"):
        on = {
            key: {**(value or {}), "aliases": [*((value or {}).get("aliases") or ()), *names]}
            for key, value in (on or {"default": None}).items()
        }
    return {**kept, **({"networks": on} if on else {})}


def _depends_on(service: Json, known: Collection[str]) -> dict[str, Any]:
    """What the service waits for in its own project. Services of other projects are up before it starts."""
    wanted = service.get("depends_on") or {}
    kept = {name: condition for name, condition in wanted.items() if name in known}
    return {"depends_on": kept} if kept else {}


def _links(service: Json, known: Collection[str]) -> dict[str, Any]:
    """The service's links in its own project. Others are found by their own names (see checks/service.py)."""
    if "links" not in service:
        return {}
    return {"links": [link for link in service["links"] if str(link).partition(":")[0] in known]}


def _without_extensions(mapping: Json) -> dict[str, Any]:
    return {key: value for key, value in mapping.items() if not key.startswith("x-")}


def _external_volumes(model: Json) -> dict[str, Any]:
    return {key: {"name": name, "external": True} for key, name in volume_names(model).items()}


def _own_labels(service: Json) -> dict[str, Any]:
    labels = service.get("labels") or {}
    return {key: value for key, value in labels.items() if not key.lower().startswith("traefik.")}


def _network(network: Json, application: str) -> Mapping[str, Any]:
    if network.get("external"):
        return network
    own = {key: value for key, value in network.items() if key != "name"}
    return {**own, "labels": {**(network.get("labels") or {}), LABEL_APPLICATION: application}}
