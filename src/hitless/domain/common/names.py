"""The names and labels that identify hitless's containers, networks and images on a Docker host."""

from __future__ import annotations

from enum import StrEnum


class Colour(StrEnum):
    """The slot that a release occupies."""

    BLUE = "blue"
    GREEN = "green"

    @property
    def other(self) -> Colour:
        """Green for blue, and blue for green."""
        return Colour.GREEN if self is Colour.BLUE else Colour.BLUE


def image_reference(application: str, number: int, service: str) -> str:
    """The local tag that keeps a release's image: `hitless:<application>.r<number>.<service>`.

    Everything is in the tag, because a tag takes any application or service name as it is. A repository name
    does not (upper case, double separators).
    """
    return f"hitless:{application}.r{number}.{service}"


def colour_project(application: str, colour: Colour) -> str:
    """The Compose project name of a colour."""
    return f"{application}-{colour}"


def shared_host(application: str, service: str) -> str:
    """The name by which the gateway finds a shared service with a route.

    While its container is gone, the engine asks the host's own DNS for the name. `shop.store` may be a site
    on the internet; a name below `invalid` never is (RFC 6761).
    """
    return f"{application}.{service}{SHARED}"


SHARED = ".invalid"


# Compose's own labels
COMPOSE_PROJECT = "com.docker.compose.project"
COMPOSE_NETWORK = "com.docker.compose.network"
X_HITLESS = "x-hitless"
X_VALUE = "x-hitless-value"  # the value of a secret or a config that comes from the environment
# The gateway network's name in Compose files, whatever the gateway is called (from the blue/green article)
GATEWAY_NETWORK = "traefik_webgateway"
LABEL_GATEWAY = "hitless.gateway"
LABEL_APPLICATION = "hitless.application"
LABEL_COLOUR = "hitless.colour"
LABEL_RELEASE = "hitless.release"
LABEL_REPLICAS = "hitless.replicas"  # on a service of a Swarm: how many tasks it has once it is started
WAY = "hitless-gateway"  # the key of the network between the gateway and an application
LIVE_NETWORK = "hitless-live"  # the key of `live_network` in its colour's project
LABEL_SERVICE = "com.docker.compose.service"  # Compose's own
LABEL_NUMBER = "com.docker.compose.container-number"  # Compose's own
FIXED_NAMES = ("container_name", "hostname")  # a colour makes aliases of these
