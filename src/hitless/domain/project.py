"""The Compose models that hitless hands to Compose: one to build the images, one for a colour. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from hitless.domain import networks, roles
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
from hitless.domain.networks import Network
from hitless.domain.world import Gateway

# The article's name of the gateway's network, which Compose files name even where the gateway is another
GATEWAY_NETWORK = "traefik_webgateway"

LABEL_GATEWAY = "hitless.gateway"
LABEL_APPLICATION = "hitless.application"
LABEL_COLOUR = "hitless.colour"
LABEL_RELEASE = "hitless.release"
LIVE_NETWORK = "hitless-live"  # the key of that of `live_network` in its colour's project
LABEL_SERVICE = "com.docker.compose.service"  # Compose's own

_LAST = 99_999_999

FIXED_NAMES = ("container_name", "hostname")  # of which a colour makes aliases

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


def base_model(application: Application, gateway: Gateway | None = None) -> dict[str, Any]:
    """The model of the base project: the shared services as they stand in the file.

    So Compose's digest of each is the one that plain `docker compose up` would give it, and a container that
    runs already is known again. With a `gateway`, they are not on its network, where other applications
    would find them by name, and networks that hitless creates (`base_networks`) are there already.
    """
    model = application.model
    names = {service.name for service in application.having(Role.SHARED)}
    left_out = gateway_networks(model, gateway.network) if gateway else set()
    return {
        **_without_extensions(model),
        "services": {
            name: {
                **{key: value for key, value in _without_extensions(service).items() if key != "depends_on"},
                **_depends_on(service, names),
                **_kept_networks(service, left_out),
            }
            for name, service in model["services"].items()
            if name in names
        },
        "networks": {
            **{key: one for key, one in (model.get("networks") or {}).items() if key not in left_out},
            **(_created(base_networks(application, gateway)) if gateway else {}),
        },
        "volumes": _external_volumes(model),
    }


def base_networks(application: Application, gateway: Gateway) -> tuple[Network, ...]:
    """The networks that hitless creates for the shared services, where they are missing."""
    model = application.model
    left_out = gateway_networks(model, gateway.network)
    # room for both colours besides, which meet them there
    room = {"scale": 1 + 2 * sum(one.replicas for one in application.released)}
    shared = {one.name: model["services"][one.name] for one in application.having(Role.SHARED)}
    services = {
        name: {**service, **_kept_networks(service, left_out), **room} for name, service in shared.items()
    }
    labels = {LABEL_APPLICATION: application.name}
    own = {**({} if "default" in (model.get("networks") or {}) else {"default": {}}), **_own_networks(model)}
    return networks.of_project(application.name, own, services, labels, gateway.pool)


def shared_names(application: Application, gateway: Gateway) -> dict[str, dict[str, tuple[str, ...]]]:
    """The names by which shared services are found: key of a network -> service -> names."""
    model = application.model
    left_out = gateway_networks(model, gateway.network)
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for one in application.having(Role.SHARED):
        service = {**model["services"][one.name], **_kept_networks(model["services"][one.name], left_out)}
        for key in networks.keys_of(service):
            settings = (service.get("networks") or {}).get(key) or {}
            found.setdefault(key, {})[one.name] = (one.name, *(settings.get("aliases") or ()))
    return found


def colour_networks(model: Json, application: Application, gateway: Gateway) -> tuple[Network, ...]:
    """The networks that hitless creates for a colour of this model: its own, and the way to the gateway."""
    labels = {LABEL_APPLICATION: application.name}
    own = {"default": {}, **_own_networks(application.model)}
    # the file's name of a network is not for two
    own = {key: {**one, "name": ""} for key, one in own.items()}
    way = gateway.network_of(application.name)
    between = Network(
        way,
        {**labels, LABEL_GATEWAY: gateway.project},
        # both colours
        2 * sum(service.replicas for service in application.having(Role.WEB)),
        gateway.pool,
        # no way out of the host, so it takes no part in the choice of a default route, and comes last where
        # names are looked up
        {"internal": True},
        joined=gateway.container,
        is_joined=way in gateway.networks,
    )
    return (*networks.of_project(model["name"], own, model["services"], labels, gateway.pool), between)


def _own_networks(model: Json) -> dict[str, Json]:
    """The networks that the application has for itself: key -> definition."""
    found = {key: network or {} for key, network in (model.get("networks") or {}).items()}
    return {key: network for key, network in found.items() if not network.get("external")}


def _created(found: Sequence[Network]) -> dict[str, Json]:
    """As Compose is told of networks that are there: key -> definition."""
    return {one.labels[networks.COMPOSE_NETWORK]: {"name": one.name, "external": True} for one in found}


def _kept_networks(service: Json, left_out: Collection[str]) -> dict[str, Any]:
    """The networks of a service without these, where it names any."""
    found = service.get("networks") or {}
    kept = {key: value for key, value in found.items() if key not in left_out}
    return {"networks": kept or {"default": None}} if len(kept) != len(found) else {}


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
    would fight over is per colour (networks) or shared under the base project's names (volumes), and
    networks of others are left out, the gateway's among them: containers are connected to these without
    Compose's alias of the service name, or two colours would both answer for that name there. `live` is the
    colour that is live when it starts. A release that is brought back comes without its jobs.
    """
    model = application.model
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
            **_service(found, set(_own_networks(model))),
            **_depends_on(found, running),
            **_links(found, running),
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
        for key, network in _own_networks(model).items()
        if not networks.leaves_addresses(network)
    }
    created = colour_networks(made, application, gateway)[:-1]
    return {**made, "networks": {**own, **_created(created)}}


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


def live_network(application: Application, colour: Colour, promoted: int, gateway: Gateway) -> Network:
    """The network on which shared services find a release, by the number of its promotion.

    A container that is on several networks asks them for a name in the order of the networks' own names
    (libnetwork, measured with Engine 26.1): so the name of each promotion's network sorts before that of the
    one before, and from the instant in which the new one has the name, the new one is found.
    """
    called = live_names(application, colour)
    return Network(
        f"{application.name}_live-{_LAST - promoted:08}",
        {
            networks.COMPOSE_PROJECT: colour_project(application.name, colour),
            networks.COMPOSE_NETWORK: LIVE_NETWORK,
            LABEL_APPLICATION: application.name,
        },
        len(called) + len(callers(application)),
        gateway.pool,
        # or the default route of the shared containers would change
        {"internal": True},
    )


def live_names(application: Application, colour: Colour) -> dict[str, tuple[str, ...]]:
    """The names by which shared services call a colour's containers: container -> names."""
    called = {name for names in callers(application).values() for name in names}
    found: dict[str, tuple[str, ...]] = {}
    for service, containers in replicas(application, colour).items():
        model = application.model["services"][service]
        if service in called and not model.get("network_mode"):
            on = (model.get("networks") or {}).values()
            aliases = (alias for network in on for alias in (network or {}).get("aliases") or ())
            own = [str(model[key]) for key in FIXED_NAMES if model.get(key)]
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


def connections(
    application: Application, gateway: Gateway, containers: Mapping[str, Sequence[str]]
) -> dict[str, list[str]]:
    """The networks beyond its own that a release is on: network -> containers of it.

    They are those of the base project, where it meets shared services, and those of others. `containers`
    maps service -> names. Containers are connected there without their service's name: on these networks
    only shared services answer by theirs, and no other colour's.
    """
    model = application.model
    left_out = gateway_networks(model, gateway.network)

    def on(service: str) -> tuple[str, ...]:
        found = model["services"].get(service) or {}
        return networks.keys_of({**found, **_kept_networks(found, left_out)})

    shared = {key for service in application.having(Role.SHARED) for key in on(service.name)}
    found: dict[str, list[str]] = {}
    for service, names in containers.items():
        for key in on(service):
            network = (model.get("networks") or {}).get(key) or {}
            if network.get("external"):
                found.setdefault(str(network.get("name") or key), []).extend(names)
            elif key in shared:
                found.setdefault(str(network.get("name") or f"{application.name}_{key}"), []).extend(names)
    return found


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


def _service(service: Json, own: Collection[str]) -> dict[str, Any]:
    """A service of a colour, on these networks of the application's own at most.

    Its fixed names (`container_name`, `hostname`) become aliases there: two copies can't both have the first,
    and the engine (25 and newer) has a container answer to the second on every network that it is on.
    """
    dropped = (
        *("build", "profiles", "labels", "networks", "image", "pull_policy", "restart", "depends_on"),
        *("container_name", "hostname", *(("ports",) if is_published_by_gateway(service) else ())),
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
    """What it waits for within the same project; what is elsewhere is there before it."""
    wanted = service.get("depends_on") or {}
    kept = {name: condition for name, condition in wanted.items() if name in known}
    return {"depends_on": kept} if kept else {}


def _links(service: Json, known: Collection[str]) -> dict[str, Any]:
    """Its links within the same project; what is elsewhere is found by its own name (`service_check`)."""
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
