"""hitless nodes list | add | remove"""

from __future__ import annotations

import click

from hitless.cli.options import Options, json_option, pass_options
from hitless.cli.visible import echo


@click.group()
def nodes() -> None:
    """The nodes of a Docker Swarm, and how each is reached."""


@nodes.command(name="list")
@json_option
@pass_options
def list_(options: Options, as_json: bool) -> None:
    """Show all nodes of the Swarm."""
    from hitless.cli.views.nodes import show_nodes

    show_nodes(options.host().nodes().nodes(), as_json)


@nodes.command()
@click.argument("node")
@click.option("--context", "reached_by", required=True, help="The Docker context by which it is reached.")
@click.option(
    "--edge/--no-edge",
    "is_edge",
    default=None,
    help="Whether the gateway runs on it, and visitors come in there.  [as before; first --no-edge]",
)
@pass_options
def add(options: Options, node: str, reached_by: str, is_edge: bool | None) -> None:
    """Say how a node is reached, and whether it is an edge: the gateway runs on each edge.

    NODE is its name, as docker node ls shows it. hitless keeps this as labels of the node. One that is there
    is changed. The context of the manager is -c: hitless nodes add NODE --context C -c MANAGER.
    """
    found = options.host().nodes().add(node, reached_by, is_edge)
    echo(
        f"{found.name} is reached by the context {found.context}{', and is an edge' if found.is_edge else ''}"
    )


@nodes.command()
@click.argument("node")
@pass_options
def remove(options: Options, node: str) -> None:
    """Forget a node: no gateway runs on it then, and hitless brings nothing to it. It stays in the Swarm."""
    options.host().nodes().remove(node)
    echo(f"{node} is a node that hitless does not reach now; docker node rm removes it from the Swarm")
