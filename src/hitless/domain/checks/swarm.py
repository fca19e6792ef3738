"""Findings about what a release can't have on a Docker Swarm. Pure.

`VERDICTS` has every key of the Compose specification: what `stack_models.py` does with it, or what to do
about it. Nothing that the file says may be lost without a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from hitless.domain.application.model import Application, Role, Service
from hitless.domain.common.findings import Finding
from hitless.domain.common.foreign import Json
from hitless.domain.common.names import GATEWAY_NETWORK, X_HITLESS
from hitless.domain.gateway.model import Gateway
from hitless.domain.release import networks
from hitless.domain.release.compose_networks import gateway_networks
from hitless.domain.release.stack_models import tmpfs_mount


class Does(StrEnum):
    """The fate of a key: it means the same, it is written in another way, it is left out, or refused.

    `LEFT_OUT` is what hitless does itself, or what means nothing on a Swarm. `RESOLVED` is what Compose works
    out before. `ELSEWHERE` is what hitless refuses on every engine.
    """

    TAKEN = "taken"
    CHANGED = "changed"
    LEFT_OUT = "left out"
    RESOLVED = "resolved"
    ELSEWHERE = "elsewhere"
    REFUSED = "refused"


@dataclass(frozen=True)
class Verdict:
    """The fate of a key, and of all keys below it that have no verdict of their own.

    `message` and `hint` are for a refused one; without a message, a check of its own looks closer.
    """

    does: Does
    message: str = ""
    hint: str = ""


def _rows(keys: str, does: Does, message: str = "", hint: str = "") -> dict[str, Verdict]:
    return dict.fromkeys(keys.split(), Verdict(does, message, hint))


_IMAGE = "a service of a Swarm has no such setting"
_LIMITS = "a Swarm knows only `cpus`, `mem_limit`, `mem_reservation` and `pids_limit`"
_PLACED = "run the application on one Docker host, or remove it"
_ADDRESSES = "the Swarm itself chooses the addresses of a release's networks"
_ONE_ADDRESS = "remove it; containers find each other by service name"

# what the file gives names to
_NAMED = ("services", "networks", "volumes", "secrets", "configs")

VERDICTS: Mapping[str, Verdict] = {
    # the file
    **_rows("name", Does.CHANGED),
    **_rows("version models", Does.LEFT_OUT),
    **_rows("include", Does.RESOLVED),
    **_rows(" ".join(_NAMED), Does.CHANGED),
    # services
    **_rows(
        "services.cap_add services.cap_drop services.command services.credential_spec services.dns "
        "services.dns_search services.entrypoint services.environment services.extra_hosts "
        "services.healthcheck services.init services.isolation services.labels services.logging "
        "services.read_only services.secrets services.configs services.stdin_open services.stop_grace_period "
        "services.stop_signal services.sysctls services.tty services.ulimits services.user "
        "services.working_dir",
        Does.TAKEN,
    ),
    **_rows(
        "services.image services.hostname services.container_name services.cpus services.mem_limit "
        "services.mem_reservation services.pids_limit services.scale services.tmpfs services.restart",
        Does.CHANGED,
    ),
    **_rows(
        "services.attach services.build services.develop services.expose services.depends_on services.links "
        "services.platform services.pull_policy services.pull_refresh_after",
        Does.LEFT_OUT,
    ),
    **_rows(
        "services.extends services.env_file services.label_file services.profiles",
        Does.RESOLVED,
    ),
    **_rows(
        "services.external_links services.mac_address services.models services.pre_start services.pre_stop "
        "services.provider services.use_api_socket",
        Does.ELSEWHERE,
    ),
    **_rows(
        "services.annotations services.cgroup services.cgroup_parent services.domainname "
        "services.oom_kill_disable services.oom_score_adj services.storage_opt services.userns_mode "
        "services.uts",
        Does.REFUSED,
        _IMAGE,
        _PLACED,
    ),
    **_rows("services.dns_opt", Does.REFUSED, _IMAGE, "set it in the image's /etc/resolv.conf, or remove it"),
    **_rows(
        "services.blkio_config services.cpu_count services.cpu_percent services.cpu_period "
        "services.cpu_quota services.cpu_rt_period services.cpu_rt_runtime services.cpu_shares "
        "services.cpuset services.mem_swappiness services.memswap_limit",
        Does.REFUSED,
        _LIMITS,
        "use those, or remove it",
    ),
    **_rows(
        "services.devices services.device_cgroup_rules services.gpus",
        Does.REFUSED,
        "a task of a Swarm gets no devices of its node",
        "`deploy.resources.reservations.generic_resources` with a runtime that hands them out, or run the "
        "service on one Docker host",
    ),
    **_rows(
        "services.privileged services.security_opt",
        Does.REFUSED,
        "a Swarm takes no such right from a stack: the service would run without it",
        "`cap_add` names single capabilities; or run the service on one Docker host",
    ),
    **_rows(
        "services.ipc services.pid services.network_mode services.volumes_from",
        Does.REFUSED,
        "a task of a Swarm shares nothing of its node or of another container",
        "let the services reach each other over a network, or run them on one Docker host",
    ),
    **_rows(
        "services.runtime",
        Does.REFUSED,
        "a Swarm starts each task with its node's default runtime",
        'set "default-runtime" in the nodes\' /etc/docker/daemon.json, and remove it here',
    ),
    **_rows(
        "services.group_add",
        Does.REFUSED,
        _IMAGE,
        "put the user into the groups in the image, or name one group: `user: USER:GROUP`",
    ),
    **_rows(
        "services.shm_size",
        Does.REFUSED,
        _IMAGE,
        "mount a tmpfs of that size: `tmpfs: [/dev/shm:size=…]`",
    ),
    **_rows(
        "services.post_start",
        Does.REFUSED,
        "nobody runs it on a Swarm",
        "what each start needs belongs in the entrypoint of the image",
    ),
    **_rows("services.ports", Does.REFUSED),
    # services: deploy
    **_rows("services.deploy", Does.TAKEN),
    **_rows(
        "services.deploy.endpoint_mode services.deploy.labels services.deploy.replicas "
        "services.deploy.restart_policy",
        Does.CHANGED,
    ),
    **_rows("services.deploy.update_config services.deploy.rollback_config", Does.LEFT_OUT),
    **_rows("services.deploy.mode", Does.REFUSED),
    **_rows(
        "services.deploy.resources.reservations.devices",
        Does.REFUSED,
        "a task of a Swarm gets no devices of its node",
        "use `generic_resources`, or run the service on one Docker host",
    ),
    # services: what they are connected to
    **_rows("services.networks", Does.TAKEN),
    **_rows(
        "services.networks.ipv4_address services.networks.ipv6_address services.networks.link_local_ips "
        "services.networks.mac_address",
        Does.ELSEWHERE,
    ),
    **_rows(
        "services.networks.gw_priority services.networks.interface_name services.networks.priority",
        Does.REFUSED,
        _IMAGE,
        "remove it",
    ),
    **_rows("services.volumes", Does.TAKEN),
    **_rows("services.volumes.type", Does.REFUSED),
    **_rows("services.volumes.bind.create_host_path services.volumes.consistency", Does.LEFT_OUT),
    **_rows(
        "services.volumes.bind.recursive services.volumes.bind.selinux services.volumes.image "
        "services.volumes.volume.labels",
        Does.REFUSED,
        _IMAGE,
        "remove it",
    ),
    **_rows("services.volumes.tmpfs.mode", Does.REFUSED),
    # networks
    **_rows("networks.driver_opts networks.internal networks.labels", Does.TAKEN),
    **_rows("networks.attachable networks.name", Does.CHANGED),
    **_rows("networks.external networks.driver", Does.REFUSED),
    **_rows("networks.enable_ipv4", Does.ELSEWHERE),
    **_rows(
        "networks.enable_ipv6",
        Does.REFUSED,
        "the networks of a release have IPv4 on a Swarm",
        "remove it",
    ),
    **_rows("networks.ipam", Does.LEFT_OUT),
    **_rows("networks.ipam.driver", Does.REFUSED),
    **_rows("networks.ipam.options", Does.REFUSED, _ADDRESSES, _ONE_ADDRESS),
    # volumes
    **_rows("volumes.driver volumes.driver_opts volumes.labels volumes.name volumes.external", Does.TAKEN),
    # secrets and configs
    **_rows(
        "secrets.file secrets.environment secrets.name configs.file configs.content configs.environment "
        "configs.name",
        Does.CHANGED,
    ),
    **_rows("secrets.external secrets.labels configs.external configs.labels", Does.TAKEN),
    **_rows(
        "secrets.driver secrets.driver_opts secrets.template_driver configs.template_driver",
        Does.REFUSED,
        "is not supported yet",
        "create it yourself, and name it: `external: true`",
    ),
}

# the same on each node
_ON_EACH_NODE = re.compile(r"/etc/(localtime|timezone)|/(dev|proc|sys)(/.*)?|(/var)?/run/docker\.sock")
# file systems that each node mounts from elsewhere
_REMOTE = re.compile(r"nfs\d?|cifs|smb3?|ceph|glusterfs|fuse\..+", re.IGNORECASE)
_PINS = re.compile(r"\s*node\.(id|hostname)\s*==\s*\S+\s*")
_BRIDGE = "com.docker.network.bridge."
_TEMPLATE = re.compile(r"\{\{.*\}\}", re.DOTALL)
_MODES = (None, 0, 0o1777, "1777", "01777")


def verdict_of(key: str) -> Verdict | None:
    """The verdict on a key (`services.deploy.mode`): its own, or that of the nearest key above it.

    None for a key that nobody has thought of.
    """
    above = key
    while above not in VERDICTS and "." in above:
        above = above.rpartition(".")[0]
    # `services` as a whole says nothing about the keys of a service
    return None if above != key and above in _NAMED else VERDICTS.get(above)


def of_swarm(application: Application, gateway: Gateway | None = None) -> Iterator[Finding]:
    """Everything in the file that would be lost or refused on a Swarm, or that hitless can't do there yet.

    `gateway` tells which networks of the file are its own; without one they have the usual name.
    """
    yield from _roles(application)
    used = set()
    for service in application.released:
        model = application.model["services"][service.name]
        used |= {*networks.keys_of(model)}
        yield from _of_service(application, service, model)
    yield from _of_networks(application, used, gateway)
    for kinds in ("secrets", "configs"):
        for key, one in (application.model.get(kinds) or {}).items():
            yield from _refused(kinds, f"{kinds}.{key}", one or {})


def _roles(application: Application) -> Iterator[Finding]:
    """What a release of this application does that hitless can't do on a Swarm yet."""
    for service in application.having(Role.SHARED):
        yield Finding(
            f"services.{service.name}",
            "shared services are not deployed on a Swarm yet",
            "run it yourself (a stack of its own, another host), take it out of the file, and name its "
            "address under `environment:`",
        )
    for service in application.having(Role.JOB):
        yield Finding(
            f"services.{service.name}",
            "jobs do not run on a Swarm yet",
            "run it yourself before the deployment, and take it out of the file",
        )
    for service in application.released:
        if service.exclusive:
            yield Finding(
                f"services.{service.name}.{X_HITLESS}.exclusive",
                "exclusive services do not change over on a Swarm yet",
                "run the application on one Docker host",
            )
    for hook in application.hooks:
        if hook.service:
            yield Finding(
                f"{X_HITLESS}.hooks.{hook.when}",
                f"hooks in containers ({hook.service}) do not run on a Swarm yet",
                "a hook without `service` runs on the machine that deploys",
            )
    for router in application.routes.routers:
        if router.is_udp:
            yield Finding(
                router.path,
                "UDP has no lossless switch on a Swarm yet",
                "run the application on one Docker host",
            )


def _of_service(application: Application, service: Service, model: Json) -> Iterator[Finding]:
    path = f"services.{service.name}"
    yield from _refused("services", path, model)
    yield from _ports(path, model)
    yield from _mounts(application, path, model)
    deploy = model.get("deploy") or {}
    if deploy.get("mode") not in (None, "replicated"):
        yield Finding(
            f"{path}.deploy.mode",
            f"hitless starts a service by its number of tasks: {deploy['mode']} has none",
            "`mode: replicated`, with `replicas` and `placement.max_replicas_per_node: 1`",
        )
    for name, value in (model.get("environment") or {}).items():
        if _TEMPLATE.search(str(value)):
            yield Finding(
                f"{path}.environment.{name}",
                "a Swarm fills in what is between {{ and }}; on one Docker host it stays as it is",
                "put the value into a config or a secret, if it must stay as it is",
                is_error=False,
            )


def _ports(path: str, model: Json) -> Iterator[Finding]:
    for port in model.get("ports") or ():
        if port.get("published"):
            yield Finding(
                f"{path}.ports",
                f"neither a release nor its gateway publishes {port['published']} on a Swarm yet",
                "give the service a route with labels; if nobody needs the port, remove it",
            )


def _mounts(application: Application, path: str, model: Json) -> Iterator[Finding]:
    constraints = ((model.get("deploy") or {}).get("placement") or {}).get("constraints") or ()
    is_pinned = any(_PINS.fullmatch(str(one)) for one in constraints)
    for mount in model.get("volumes") or ():
        kind, source = mount.get("type"), str(mount.get("source") or "")
        if kind == "bind" and not is_pinned and not _ON_EACH_NODE.fullmatch(source):
            yield Finding(
                f"{path}.volumes",
                f"{source} is a path of one machine, and tasks run on every node",
                f"files that the release only reads: `configs:` or the image. Data: {_PIN}",
            )
        elif kind == "volume" and source and not is_pinned and _is_local(application.model, source):
            yield Finding(
                f"{path}.volumes",
                f"each node would have a volume {source} of its own, with data of its own",
                f"a volume driver that all nodes share (NFS, say), or {_PIN}",
            )
        elif kind == "tmpfs" and (mount.get("tmpfs") or {}).get("mode") not in _MODES:
            yield Finding(f"{path}.volumes", f"the mode of {mount.get('target')} {_LOST}", _OWN_TMPFS)
        elif kind not in ("bind", "volume", "tmpfs"):
            yield Finding(f"{path}.volumes", f"a Swarm has no mounts of the type {kind}", "use a volume")
    lines = model.get("tmpfs") or ()
    for text in [lines] if isinstance(lines, str) else lines:
        mount, lost = tmpfs_mount(str(text))
        if lost:
            yield Finding(f"{path}.tmpfs", f"{', '.join(lost)} of {mount['target']} {_LOST}", _OWN_TMPFS)


_PIN = "pin the service to the node that has it: `deploy.placement.constraints: [node.hostname == NAME]`"
_LOST = "would be lost: a tmpfs of a Swarm has a size, and else Docker's defaults (mode 1777)"
_OWN_TMPFS = "remove it, and let the program itself make a folder inside with the rights that it needs"


def _is_local(model: Json, key: str) -> bool:
    """Whether a named volume is on the disk of one node; nobody knows it of an external one."""
    volume = (model.get("volumes") or {}).get(key) or {}
    if volume.get("driver") not in (None, "", "local"):
        return False
    return not _REMOTE.fullmatch(str((volume.get("driver_opts") or {}).get("type") or ""))


def _of_networks(application: Application, used: set[str], gateway: Gateway | None) -> Iterator[Finding]:
    left_out = gateway_networks(application.model, gateway.network if gateway else GATEWAY_NETWORK)
    for key, network in (application.model.get("networks") or {}).items():
        path = f"networks.{key}"
        if key not in used or key in left_out or not network:
            continue
        if network.get("external"):
            yield Finding(
                path,
                "a release is not on networks of others on a Swarm yet",
                "remove it: others are reached through the gateway, or by their address",
            )
            continue
        yield from _refused("networks", path, network)
        if network.get("driver") not in (None, "", "default", "bridge", "overlay"):
            yield Finding(
                f"{path}.driver",
                f"{network['driver']} networks are of one node: on a Swarm a release has overlay networks",
                "remove it",
            )
        if (network.get("ipam") or {}).get("driver") not in (None, "", "default"):
            yield Finding(f"{path}.ipam.driver", _ADDRESSES, _ONE_ADDRESS)
        for option in network.get("driver_opts") or {}:
            if option.startswith(_BRIDGE):
                yield Finding(
                    f"{path}.driver_opts",
                    f"{option} is for a bridge: an overlay network has none",
                    "remove it",
                )


def _refused(kind: str, path: str, model: Json) -> Iterator[Finding]:
    """A finding for each refused key of this kind (`services`) that a part of the model has."""
    for key, verdict in VERDICTS.items():
        top, *below = key.split(".")
        if top == kind and verdict.message and any(_values(model, kind, below)):
            where = ".".join(below)
            yield Finding(f"{path}.{where}", verdict.message, verdict.hint)


def _values(model: Any, above: str, keys: list[str]) -> Iterator[Any]:
    """The values of a key, with those in each entry of lists, and of a service's networks."""
    if isinstance(model, list):
        for one in model:
            yield from _values(one, above, keys)
    elif not keys:
        yield model
    elif above == "services.networks":
        for one in (model or {}).values():
            yield from _values((one or {}).get(keys[0]), "", keys[1:])
    elif isinstance(model, Mapping):
        yield from _values(model.get(keys[0]), f"{above}.{keys[0]}", keys[1:])
