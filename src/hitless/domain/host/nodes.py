"""The nodes of a Swarm, as the command line shows them. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class NodeStatus:
    """A node: `context` is the Docker context by which it is reached, "" for none; `is_edge`: with a gateway.

    `is_ready`: the manager has contact with it. `takes_tasks`: the scheduler may give it any.
    """

    name: str
    address: str
    is_manager: bool
    is_ready: bool
    takes_tasks: bool
    is_edge: bool
    context: str
