"""The file for `docker stack deploy`, made from a colour's Compose model. Pure.

`checks/swarm.py` says what a Swarm can't have; what this module leaves out has a verdict there.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from hitless.domain.application.replicas import replicas
from hitless.domain.common.foreign import Json
from hitless.domain.common.names import LABEL_APPLICATION, LABEL_REPLICAS, X_VALUE

# Keys of a service that mean the same in a stack
TAKEN = (
    *("cap_add", "cap_drop", "command", "credential_spec", "dns", "dns_search", "entrypoint", "init"),
    *("isolation", "labels", "read_only", "stdin_open", "stop_grace_period", "stop_signal", "sysctls", "tty"),
    *("ulimits", "user", "working_dir"),
)
_OF_NETWORKS = ("driver_opts", "internal", "labels")
_ON_NETWORKS = ("aliases", "driver_opts")
_OF_VOLUMES = ("driver", "driver_opts", "labels")
_OF_MOUNTS = ("type", "source", "target", "read_only")
_OF_PLACEMENT = ("constraints", "preferences", "max_replicas_per_node")
_KINDS = {"secrets": "secret", "configs": "config"}
# Docker mounts a tmpfs so in any case
_TMPFS_DEFAULTS = frozenset({"", "rw", "noexec", "nosuid", "nodev", "mode=1777", "mode=01777"})
_SIZE = re.compile(r"(\d+)([kmg]?)b?", re.IGNORECASE)
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
_LONGEST = 64  # characters in the name of a secret or config
_DIGEST = 16


@dataclass(frozen=True)
class StackFile:
    """A secret or config that a stack needs: it is created before the stack, if it is not there.

    `kind` is `secret` or `config`, `key` its key in the model. `name` has a digest of `data`: the data of one
    that exists can't be changed, and the other colour may still use it.
    """

    kind: str
    key: str
    name: str
    data: bytes = field(repr=False)
    labels: Mapping[str, str]


def file_paths(model: Json) -> tuple[str, ...]:
    """The files of the deploying machine whose contents are secrets or configs of a colour's services."""
    found = (one.get("file") for _, _, one in _used_files(model))
    return tuple(dict.fromkeys(str(path) for path in found if path))


def stack_files(model: Json, application: str, contents: Mapping[str, bytes]) -> tuple[StackFile, ...]:
    """The secrets and configs that a colour's services use, except external ones.

    `contents` maps path (`file_paths`) -> what is in the file.
    """
    found = []
    for kinds, key, one in _used_files(model):
        if path := one.get("file"):
            data = contents[path]
        else:
            # a literal $ is $$ in a model
            data = str(one.get("content") or one.get(X_VALUE) or "").replace("$$", "$").encode()
        kind = _KINDS[kinds]
        digest = sha256(f"{application}\0{kind}\0{key}\0".encode() + data).hexdigest()[:_DIGEST]
        name = f"{application}.{key}"[: _LONGEST - _DIGEST - 1]
        labels = {**_texts(one.get("labels") or {}), LABEL_APPLICATION: application}
        found.append(StackFile(kind, key, f"{name}.{digest}", data, labels))
    return tuple(found)


def stack_model(
    model: Json,
    images: Mapping[str, str],
    files: Sequence[StackFile] = (),
    volumes: Mapping[str, Json] | None = None,
    ending: Collection[str] = (),
) -> dict[str, Any]:
    """The file for `docker stack deploy --resolve-image never`, from a colour's model (`colour_model`).

    `images` maps image reference -> image id (`sha256:…`). `files` are the model's secrets and configs
    (`stack_files`); they are external for the stack. `volumes` are the definitions of the volumes that the
    application creates itself (`own_volumes`): each node creates its own from that. `ending` are the services
    that run to their end. No service has a task before somebody sets its number of replicas; the label
    `hitless.replicas` has the wanted one.
    """
    used = {
        (kinds, str(_source(use)))
        for service in model["services"].values()
        for kinds in _KINDS
        for use in service.get(kinds) or ()
    }
    names = {(f"{one.kind}s", one.key): one.name for one in files}
    made: dict[str, Any] = {
        "services": {
            name: _service(f"{model['name']}-{name}", service, images, name in ending)
            for name, service in model["services"].items()
        },
        "networks": {key: _network(one or {}) for key, one in (model.get("networks") or {}).items()},
        "volumes": {
            key: _volume(one, (volumes or {}).get(key)) for key, one in (model.get("volumes") or {}).items()
        },
    }
    for kinds in _KINDS:
        made[kinds] = {
            key: {"name": str(one.get("name") or key) if one.get("external") else names[kinds, key]}
            | {"external": True}
            for key, one in (model.get(kinds) or {}).items()
            if (kinds, key) in used
        }
    return {key: value for key, value in made.items() if value}


def tmpfs_mount(text: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """A line of `tmpfs:` (`/run:size=64m`) as a mount, and the options that a mount of a Swarm can't have."""
    target, _, options = text.partition(":")
    mount: dict[str, Any] = {"type": "tmpfs", "target": target}
    lost = []
    for option in options.split(","):
        name, _, value = option.partition("=")
        if name == "size" and (size := _bytes(value)) is not None:
            mount["tmpfs"] = {"size": size}
        elif option not in _TMPFS_DEFAULTS:
            lost.append(option)
    return mount, tuple(lost)


def _service(host: str, service: Json, images: Mapping[str, str], ends: bool) -> dict[str, Any]:
    labels = _texts(service.get("labels") or {})
    ours = {key: value for key, value in labels.items() if key.startswith(("hitless.", "traefik."))}
    mounts = [_mount(one) for one in service.get("volumes") or ()]
    mounts += [tmpfs_mount(str(text))[0] for text in _lines(service.get("tmpfs"))]
    environment = service.get("environment") or {}
    made = {
        **{key: service[key] for key in TAKEN if service.get(key) is not None},
        "image": images[service["image"]],
        # as Compose names the container: the routing has this name, and a task that moves to another node
        # keeps it
        "hostname": f"{host}-{{{{.Task.Slot}}}}",
        "environment": {key: value for key, value in environment.items() if value is not None},
        "healthcheck": _healthcheck(service.get("healthcheck") or {}),
        "extra_hosts": [str(one).replace("=", ":", 1) for one in _hosts(service.get("extra_hosts"))],
        "logging": {key: value for key, value in (service.get("logging") or {}).items() if value},
        "networks": {
            key: _picked(one or {}, _ON_NETWORKS) for key, one in (service.get("networks") or {}).items()
        },
        "volumes": mounts,
        **{kinds: [_use(one) for one in service.get(kinds) or ()] for kinds in _KINDS},
    }
    return {
        **{key: value for key, value in made.items() if value not in ({}, [])},
        "labels": labels,
        "deploy": _deploy(service, ours, ends),
    }


def _deploy(service: Json, ours: Mapping[str, str], ends: bool) -> dict[str, Any]:
    deploy = service.get("deploy") or {}
    # the Swarm's own Traefik, if there is one, reads these labels
    own = {
        key: value
        for key, value in _texts(deploy.get("labels") or {}).items()
        if not key.lower().startswith("traefik.")
    }
    found = {
        "placement": _picked(deploy.get("placement") or {}, _OF_PLACEMENT),
        "resources": _resources(service),
    }
    return {
        **{key: value for key, value in found.items() if value},
        # hitless starts it when it is its turn
        "replicas": 0,
        "labels": {**own, **ours, LABEL_REPLICAS: str(replicas(service))},
        # a virtual IP would hide from the gateway which task answers
        "endpoint_mode": "dnsrr",
        "restart_policy": {"condition": "none" if ends else "any"},
        # hitless undoes a whole release; the Swarm must not undo one service of it
        "update_config": {"failure_action": "continue"},
    }


def _resources(service: Json) -> dict[str, Any]:
    """`deploy.resources` with what the keys of plain Compose say beside it."""
    found = (service.get("deploy") or {}).get("resources") or {}
    limits, reservations = dict(found.get("limits") or {}), dict(found.get("reservations") or {})
    for values, key, said in (
        (limits, "cpus", service.get("cpus")),
        (limits, "memory", service.get("mem_limit")),
        (limits, "pids", service.get("pids_limit")),
        (reservations, "memory", service.get("mem_reservation")),
    ):
        if said and key not in values:
            values[key] = said
    reservations.pop("devices", None)
    for values in (limits, reservations):
        values.update({key: str(values[key]) for key in ("cpus", "memory") if key in values})
    if "pids" in limits and int(limits["pids"]) <= 0:  # -1: as many as it likes
        del limits["pids"]
    return {key: value for key, value in (("limits", limits), ("reservations", reservations)) if value}


def _healthcheck(check: Json) -> dict[str, Any]:
    """A check that is switched off must have no `test` in a stack."""
    if check.get("disable"):
        return {"disable": True}
    return {key: value for key, value in check.items() if value is not None and key != "disable"}


def _mount(mount: Json) -> dict[str, Any]:
    made = _picked(mount, _OF_MOUNTS)
    size = _bytes((mount.get("tmpfs") or {}).get("size"))
    of_kind = {
        "volume": _picked(mount.get("volume") or {}, ("nocopy", "subpath")),
        "bind": _picked(mount.get("bind") or {}, ("propagation",)),
        "tmpfs": {"size": size} if size else {},
    }
    kind = str(mount.get("type"))
    return {**made, kind: of_kind[kind]} if of_kind.get(kind) else made


def _network(network: Json) -> dict[str, Any]:
    if network.get("external"):
        return _picked(network, ("name", "external"))
    return {**_picked(network, _OF_NETWORKS), "driver": "overlay", "attachable": True}


def _volume(volume: Json, definition: Json | None) -> dict[str, Any]:
    if definition is None:
        return _picked(volume, ("name", "external"))
    return {"name": volume["name"], **_picked(definition, _OF_VOLUMES)}


def _use(use: Any) -> Any:
    """How a service uses a secret or a config; a stack takes the mode as a number."""
    if isinstance(use, str):
        return use
    mode = use.get("mode")
    return {**use, "mode": int(mode, 8)} if isinstance(mode, str) else dict(use)


def _used_files(model: Json) -> Iterator[tuple[str, str, Json]]:
    """`secrets` or `configs`, key and definition of each that a service uses, except external ones."""
    for kinds in _KINDS:
        services = model["services"].values()
        used = {str(_source(use)) for service in services for use in service.get(kinds) or ()}
        for key, one in (model.get(kinds) or {}).items():
            if key in used and not one.get("external"):
                yield kinds, key, one


def _source(use: Any) -> Any:
    return use if isinstance(use, str) else use.get("source")


def _bytes(size: Any) -> int | None:
    """A number of bytes: `65536`, `64m`, `1gb`; None for what is no such number (`50%`)."""
    match = _SIZE.fullmatch(str(size))
    return int(match[1]) * _UNITS[match[2].lower()] if match else None


def _picked(mapping: Json, keys: Collection[str]) -> dict[str, Any]:
    return {key: mapping[key] for key in keys if mapping.get(key)}


def _texts(mapping: Json) -> dict[str, str]:
    return {key: "" if value is None else str(value) for key, value in mapping.items()}


def _lines(value: Any) -> Sequence[Any]:
    return [value] if isinstance(value, str) else value or ()


def _hosts(value: Any) -> Iterator[str]:
    """`extra_hosts` as lines; Compose prints a list or, in older versions, a mapping."""
    if isinstance(value, Mapping):
        for host, addresses in value.items():
            yield from (f"{host}:{address}" for address in _lines(addresses))
    else:
        yield from map(str, value or ())
