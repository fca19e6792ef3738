"""The gateway as the stack of a Swarm: its Compose model, as `docker stack deploy` takes it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hitless.domain.common.errors import HitlessError
from hitless.domain.common.foreign import Json
from hitless.domain.gateway.model import SERVICE
from hitless.domain.gateway.settings import GatewaySettings

SERVED_VOLUME = "served"  # in memory
# Refused by `docker stack deploy`, ignored, or said in other words. It ignores `no-new-privileges`.
_NOT_TAKEN = ("pull_policy", "security_opt", "restart", "mem_limit", "memswap_limit", "tmpfs", "ports")


def stack(model: Json, network: str, where: str) -> dict[str, Any]:
    """The stack of the gateway's Compose model, on each node that fits the constraint `where`."""
    own = model["services"][SERVICE]
    service = {key: value for key, value in own.items() if key not in _NOT_TAKEN}
    limit = {"limits": {"memory": own["mem_limit"]}} if "mem_limit" in own else {}
    # It has no owner and no mode for a file system in memory, and without them the folder would be sticky:
    # the kernel refuses that root opens there what Traefik's user has made (fs.protected_fifos). A volume has
    # both.
    served, _, options = own["tmpfs"][0].partition(":")
    memory = {
        "driver": "local",
        "driver_opts": {"type": "tmpfs", "device": "tmpfs", "o": f"nosuid,nodev,noexec,{options}"},
    }
    return {
        "services": {
            SERVICE: {
                **service,
                "networks": ["edge"],
                "volumes": [*own["volumes"], {"type": "volume", "source": SERVED_VOLUME, "target": served}],
                "ports": [_port(one) for one in own["ports"]],
                "deploy": {
                    "mode": "global",
                    # a kernel may lack what virtual addresses need, and nobody needs one here
                    "endpoint_mode": "dnsrr",
                    "placement": {"constraints": [where]},
                    "labels": own["labels"],
                    "restart_policy": {"condition": "any", "delay": "1s"},
                    # the ports of a node are taken until the old task has ended; the others still answer
                    "update_config": {
                        "parallelism": 1,
                        "delay": "5s",
                        "order": "stop-first",
                        "failure_action": "pause",
                    },
                    "rollback_config": {"order": "stop-first", "failure_action": "pause"},
                    **({"resources": limit} if limit else {}),
                },
            }
        },
        "networks": {"edge": {"external": True, "name": network}},
        "volumes": {**model["volumes"], SERVED_VOLUME: memory},
    }


def _port(port: Json) -> Json:
    """A port of the node itself; `refuse_unable` has seen that it is on every address."""
    return {
        "published": int(port["published"]),
        "target": port["target"],
        "protocol": port["protocol"],
        "mode": "host",
    }


def refuse_unable(settings: GatewaySettings) -> None:
    """Raise `HitlessError` for settings that a gateway on a Swarm can't have."""
    if found := list(_unable(settings)):
        raise HitlessError(
            f"on a Swarm the gateway can't have {'; nor '.join(found)}", "leave these options out"
        )


def _unable(settings: GatewaySettings) -> Iterator[str]:
    addresses = {settings.bind, *settings.ports.values(), *settings.udp_ports.values()} - {""}
    if addresses:
        yield f"ports on one address alone ({', '.join(sorted(addresses))}): Swarm publishes on all of a node"
    if settings.dashboard:
        yield "Traefik's dashboard: it would be published on every address"
    if settings.docker_provider:
        yield "the Docker provider: it sees one node alone"
    if settings.acme_email:
        yield "certificates of a CA yet: each gateway would order its own"
