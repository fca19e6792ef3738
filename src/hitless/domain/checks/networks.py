"""Findings about an application's networks, and the addresses that they need. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from hitless.domain.application.model import Application
from hitless.domain.common.findings import Finding
from hitless.domain.common.names import Colour
from hitless.domain.gateway.model import Gateway
from hitless.domain.release import networks
from hitless.domain.release.compose_networks import gateway_networks, has_fixed_addresses
from hitless.domain.release.networks import Network

_OF_A_RELEASE = re.compile(rf".+-({'|'.join(Colour)})_.+|.+_live-\d+")
_ID = re.compile("[0-9a-f]{64}")
_SWARM = "docker_gwbridge"  # a network that each node of a Swarm has
_BRIDGE_NAME = "com.docker.network.bridge.name"


def of_room(wanted: Sequence[Network], ranges: Mapping[str, Sequence[str]]) -> Iterator[Finding]:
    """Whether the pool has addresses for these networks; `ranges` maps network -> its ranges (CIDR)."""
    missing = [network for network in wanted if network.name not in ranges]
    taken = [one for found in ranges.values() for one in found]
    if not networks.are_free(missing, taken):
        yield Finding(
            "gateway",
            f"its pool {missing[0].whole} has no addresses left for {len(missing)} more networks: "
            + ", ".join(network.name for network in missing),
            "hitless gateway up --replace --address-pool RANGE sets another one; docker network ls shows "
            "the networks that use it",
        )


def of_networks(
    application: Application, gateway: Gateway | None, there: Collection[str] | None = None
) -> Iterator[Finding]:
    """Networks of the file that two colours, or two applications, can't share, and those that lack.

    `there` are the names of the engine's networks, None if nobody has looked.
    """
    model = application.model
    services = [model["services"][one.name] for one in application.services]
    used = {key for service in services for key in networks.keys_of(service)}
    left_out = gateway_networks(model, gateway.network) if gateway else set()
    for key, network in (model.get("networks") or {}).items():
        if key in left_out or not network:
            continue
        name = str(network.get("name") or key)
        if network.get("external") and gateway and name.startswith(gateway.network_of("")):
            yield Finding(
                f"networks.{key}",
                f"{name} is the network between the gateway and one application",
                "remove it: containers of two applications reach each other through the gateway",
            )
            continue
        if network.get("external") and _OF_A_RELEASE.fullmatch(name):
            yield Finding(
                f"networks.{key}",
                f"{name} has the name of a network of a release, and is removed with it",
                "remove it: reach the application through the gateway, and a shared service on a network "
                "of its own",
            )
            continue
        # Compose takes an id in place of a name
        is_missing = there is not None and name not in there and not _ID.fullmatch(name)
        if network.get("external") and is_missing:
            if key in used:
                yield Finding(
                    f"networks.{key}",
                    f"the file says that it is there (external), but the Docker host has no network {name}",
                    "if it only led to a Traefik of your own, remove it: the gateway needs no network in the "
                    f"file. Else: docker network create {name}",
                    # a node of a Swarm does not know an overlay network before something of it uses one
                    is_error=there is not None and _SWARM not in there,
                )
            continue
        if network.get("external"):
            yield Finding(
                f"networks.{key}",
                "nobody finds a service of the release by its name there, as two releases would answer; the "
                "release itself finds the others by their names",
                "let others reach the application through the gateway",
                is_error=False,
            )
            continue
        if has_fixed_addresses(network):
            # the engine has no addresses of IPv6 to choose from by itself
            is_error = bool(network.get("enable_ipv6"))
            yield Finding(
                f"networks.{key}.ipam",
                "the networks of two colours can't share a fixed subnet"
                + ("" if is_error else ": only that of the shared services has it"),
                "remove it, or make the network external",
                is_error=is_error,
            )
        if network.get("enable_ipv4") is False:
            yield Finding(
                f"networks.{key}.enable_ipv4",
                "the networks of a release have IPv4: the gateway speaks it to the containers",
                "remove it, or make the network external",
            )
        if bridge := (network.get("driver_opts") or {}).get(_BRIDGE_NAME):
            yield Finding(
                f"networks.{key}.driver_opts",
                f"the networks of two colours can't share the bridge name {bridge}",
                "remove it, or make the network external",
            )
        if network.get("name") not in (None, f"{application.name}_{key}"):
            yield Finding(
                f"networks.{key}.name",
                f"each colour gets a network of its own; only the one of the shared services is called "
                f"{network['name']}",
                "make the network external if others must find it by this name",
                is_error=False,
            )
