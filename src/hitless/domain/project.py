"""The Compose models that hitless hands to Compose: one to build the images, one for a colour. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from hitless.domain import roles
from hitless.domain.extension import is_published_by_gateway
from hitless.domain.model import (
    Application,
    Colour,
    Hook,
    Json,
    Release,
    Role,
    When,
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

_LAST = 99_999_999

# What makes no sense for a container that runs to its end
_NOT_ONCE = ("healthcheck", "ports", "expose", "scale", "depends_on")


def build_model(application: Application, number: int) -> dict[str, Any]:
    """The model for `docker compose build`: only what is built, each under its release's own image tag."""
    services = {
        one.name: {
            "build": service["build"],
            "image": image_reference(application.name, number, one.name),
            **({"platform": service["platform"]} if "platform" in service else {}),
        }
        for one in application.released
        if "build" in (service := application.model["services"][one.name])
    }
    secrets = application.model.get("secrets") or {}
    return {"name": application.name, "services": services, "secrets": secrets}


def base_model(application: Application) -> dict[str, Any]:
    """The model of the base project: the shared services as they stand in the file.

    So Compose's digest of each is the one that plain `docker compose up` would give it, and a container that
    runs already is known again.
    """
    model = application.model
    names = {service.name for service in application.having(Role.SHARED)}
    return {
        **_without_extensions(model),
        "services": {
            name: {
                **{key: value for key, value in _without_extensions(service).items() if key != "depends_on"},
                **_depends_on(service, names),
            }
            for name, service in model["services"].items()
            if name in names
        },
        "volumes": _external_volumes(model),
    }


def colour_model(
    application: Application,
    release: Release,
    colour: Colour,
    gateway: Gateway,
    live: Colour | None = None,
    is_brought_back: bool = False,
) -> dict[str, Any]:
    """The model of one colour: the services of the release, and a service for each of its hooks.

    Images are the release's own, Traefik's labels are gone (the routing file has them), what two colours
    would fight over is per colour (networks) or shared under the base project's names (volumes), and the
    gateway's network is left out: containers are connected to it without Compose's alias of the service
    name, or two colours would both answer for that name there. `live` is the colour that is live when it
    starts. A release that is brought back comes without its jobs.
    """
    model = application.model
    left_out = gateway_networks(model, gateway.network)
    running = {service.name for service in application.having(Role.WEB, Role.WORKER)}
    jobs = () if is_brought_back else application.having(Role.JOB)
    labels = {
        # an image may bring labels of its own, and a Traefik that listens to Docker may be about
        "traefik.enable": "false",
        LABEL_GATEWAY: gateway.project,
        LABEL_APPLICATION: application.name,
        LABEL_COLOUR: str(colour),
        LABEL_RELEASE: str(release.number),
    }

    def service(name: str, **changes: Any) -> dict[str, Any]:
        found = model["services"][name]
        return {
            **_service(found, left_out),
            **_depends_on(found, running),
            "image": image_reference(application.name, release.number, name),
            "pull_policy": "never",
            # set when it goes live (`restart_policies`): an engine that comes back must not bring a candidate
            # with it
            "restart": "no",
            "labels": {**_own_labels(found), **labels},
            **changes,
        }

    def once(name: str, **changes: Any) -> dict[str, Any]:
        """What runs to its end: with what it may want to know, and nobody waits for another."""
        told = {**environment(application, release, colour, live), **changes.pop("environment", {})}
        own = model["services"][name].get("environment") or {}
        found = service(name, environment={**own, **told}, **changes)
        return {key: one for key, one in found.items() if key not in _NOT_ONCE}

    return {
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
        "networks": {
            "default": _network({}, application.name),
            **{
                key: _network(network or {}, application.name)
                for key, network in (model.get("networks") or {}).items()
                if key not in left_out
            },
        },
        "volumes": _external_volumes(model),
        **{
            key: value
            for key, value in _without_extensions(model).items()
            if key not in ("name", "services", "networks", "volumes")
        },
    }


def hooks(application: Application, is_brought_back: bool) -> tuple[Hook, ...]:
    """The hooks of a deployment: a release that is brought back has been prepared for before."""
    return tuple(
        hook for hook in application.hooks if not (is_brought_back and hook.when is When.BEFORE_START)
    )


def callers(application: Application) -> dict[str, set[str]]:
    """The shared services that say (by `depends_on`) that they call services of the release: whom."""
    released = {service.name for service in application.having(Role.WEB, Role.WORKER)}
    found = {
        service.name: released & set(roles.depends_on(application.model["services"][service.name]))
        for service in application.having(Role.SHARED)
    }
    return {name: called for name, called in found.items() if called}


def live_network(application: Application, promoted: int) -> str:
    """The network on which shared services find a release, by the number of its promotion.

    A container that is on several networks asks them for a name in the order of the networks' own names
    (libnetwork, measured with Engine 26.1): so the name of each promotion's network sorts before that of the
    one before, and from the instant in which the new one has the name, the new one is found.
    """
    return f"{application.name}_live-{_LAST - promoted:08}"


def live_names(application: Application, colour: Colour) -> dict[str, tuple[str, ...]]:
    """The names by which shared services call a colour's containers: container -> names."""
    called = {name for names in callers(application).values() for name in names}
    found: dict[str, tuple[str, ...]] = {}
    for service, containers in replicas(application, colour).items():
        model = application.model["services"][service]
        if service in called and not model.get("network_mode"):
            networks = (model.get("networks") or {}).values()
            aliases = (alias for network in networks for alias in (network or {}).get("aliases") or ())
            own = [model["container_name"]] if "container_name" in model else []
            found.update(dict.fromkeys(containers, tuple(dict.fromkeys((service, *own, *aliases)))))
    return found


def hook_service(hook: Hook) -> str:
    """The name of a hook's service in the colour's model."""
    return f"hook-{hook.name}"


def environment(
    application: Application, release: Release, colour: Colour, live: Colour | None
) -> dict[str, str]:
    """What jobs and hooks are told of the deployment that they run in."""
    backend = next(iter(application.routes.backends), None)
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


def connections(application: Application, containers: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """The base project's networks on which a release meets shared services: network -> containers of it.

    `containers` maps service -> names. Containers are connected there without their service's name: on these
    networks only shared services answer by theirs, and no other colour's.
    """
    model = application.model
    shared = {key for service in application.having(Role.SHARED) for key in _networks(model, service.name)}
    found: dict[str, list[str]] = {}
    for service, names in containers.items():
        for key in _networks(model, service):
            network = (model.get("networks") or {}).get(key) or {}
            if key in shared and not network.get("external"):
                found.setdefault(str(network.get("name") or f"{application.name}_{key}"), []).extend(names)
    return found


def _networks(model: Json, service: str) -> tuple[str, ...]:
    """The keys of the networks that a service of the file is on."""
    found = model["services"].get(service) or {}
    if found.get("network_mode"):
        return ()
    return tuple(found.get("networks") or ("default",))


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
    for name in (one.name for one in application.released):
        other = application.model["services"][name]
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
    """The names that Compose gives the containers of a colour that are to stay: service -> names."""
    project = colour_project(application.name, colour)
    return {
        service.name: tuple(f"{project}-{service.name}-{number}" for number in range(1, service.replicas + 1))
        for service in application.having(Role.WEB, Role.WORKER)
    }


def exclusive(application: Application, colour: Colour) -> dict[str, tuple[str, ...]]:
    """Those of them that must not run beside another colour's: service -> names."""
    only = {service.name for service in application.services if service.exclusive}
    return {name: names for name, names in replicas(application, colour).items() if name in only}


def runs_once(application: Application, colour: Colour, service: str) -> str:
    """The name of the one container of a job or a hook in a colour."""
    return f"{colour_project(application.name, colour)}-{service}-1"


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
    dropped = (
        *("build", "profiles", "labels", "networks", "image", "pull_policy", "restart", "depends_on"),
        *("container_name", *(("ports",) if is_published_by_gateway(service) else ())),
    )
    kept = {key: value for key, value in _without_extensions(service).items() if key not in dropped}
    if "restart_policy" in (kept.get("deploy") or {}):
        kept["deploy"] = {key: value for key, value in kept["deploy"].items() if key != "restart_policy"}
    networks = {key: value for key, value in (service.get("networks") or {}).items() if key not in left_out}
    if "container_name" in service and not service.get("network_mode"):
        # two copies can't both have it; as an alias it finds each colour its own
        networks = {
            key: {
                **(value or {}),
                "aliases": [*((value or {}).get("aliases") or ()), service["container_name"]],
            }
            for key, value in (networks or {"default": None}).items()
        }
    return {**kept, **({"networks": networks} if networks else {})}


def _depends_on(service: Json, known: Collection[str]) -> dict[str, Any]:
    """What it waits for within the same project; what is elsewhere is there before it."""
    wanted = service.get("depends_on") or {}
    kept = {name: condition for name, condition in wanted.items() if name in known}
    return {"depends_on": kept} if kept else {}


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


def on_gateway_network(model: Json, gateway_network: str) -> set[str]:
    """The services that the file itself puts on the gateway's network."""
    keys = gateway_networks(model, gateway_network)
    return {name for name, service in model["services"].items() if keys & set(service.get("networks") or ())}
