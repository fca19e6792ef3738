"""hitless config"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import click

from hitless.cli.options import Options, json_option, pass_options

if TYPE_CHECKING:
    from hitless.domain.application.resolved import Place, Resolved


@click.command()
@json_option
@pass_options
@click.pass_context
def config(ctx: click.Context, options: Options, as_json: bool) -> None:
    """Show every setting, and where it comes from.

    Of the application: from x-hitless (file and line), labels, variables, options, or a default. Secrets are
    hidden. What is wrong in the file is shown, too: hitless plan says what would be refused.
    """
    from hitless import wiring
    from hitless.cli.views.config import show_config
    from hitless.domain.application.resolved import resolved

    host = options.host()
    application, findings = options.application(host)
    places, is_named = wiring.places(options.compose())
    wrong = [one for one in findings if one.is_error]
    found = (
        *_of_command(ctx, options, application.name, places, is_named),
        *resolved(application, places, [one.path for one in wrong]),
    )
    show_config(application.name, found, wrong, as_json)


def _of_command(
    ctx: click.Context, options: Options, name: str, places: Mapping[str, Place], is_named: bool
) -> Iterator[Resolved]:
    """What counts for every command: the application, its files, the gateway, the engine."""
    from hitless.domain.application.resolved import Origin, Resolved
    from hitless.domain.common.redact import MARK

    if options.project_name:
        yield Resolved("name", name, Origin.OPTION, "--project-name")
    elif is_named:
        yield Resolved("name", name, Origin.VARIABLE, "COMPOSE_PROJECT_NAME")
    elif place := places.get("name"):
        yield Resolved("name", name, Origin.COMPOSE, f"{place.file}:{place.line}")
    else:
        yield Resolved("name", name, Origin.DERIVED, "the folder's name")
    files = ", ".join(dict.fromkeys(one.file for one in places.values()))
    if options.files:
        yield Resolved("files", files, Origin.OPTION, "--file")
    elif "COMPOSE_FILE" in os.environ:
        yield Resolved("files", files, Origin.VARIABLE, "COMPOSE_FILE")
    else:
        yield Resolved("files", files, Origin.DERIVED, "found in this folder or above")
    if options.profiles:
        yield Resolved("profiles", ", ".join(options.profiles), Origin.OPTION, "--profile")
    if options.env_files:
        yield Resolved("env files", ", ".join(options.env_files), Origin.OPTION, "--env-file")
    yield _gateway(ctx, options)
    for value, origin, where in (
        (options.context, Origin.OPTION, "--context"),
        (os.environ.get("DOCKER_HOST"), Origin.VARIABLE, "DOCKER_HOST"),
        (os.environ.get("DOCKER_CONTEXT"), Origin.VARIABLE, "DOCKER_CONTEXT"),
    ):
        if value:
            yield Resolved("engine", re.sub(r"(://[^/:@]*):[^/@]*@", rf"\1:{MARK}@", value), origin, where)
            return
    yield Resolved("engine", "Docker's context in use", Origin.DEFAULT, "docker context show")


def _gateway(ctx: click.Context, options: Options) -> Resolved:
    from click.core import ParameterSource

    from hitless.domain.application.resolved import Origin, Resolved

    root = ctx.find_root()
    source = root.get_parameter_source("gateway")
    is_later = options.gateway != root.params.get("gateway")  # the option stands after the command
    if is_later or source is ParameterSource.COMMANDLINE:
        return Resolved("gateway", options.gateway, Origin.OPTION, "--gateway")
    if source is ParameterSource.ENVIRONMENT:
        return Resolved("gateway", options.gateway, Origin.VARIABLE, "HITLESS_GATEWAY")
    return Resolved("gateway", options.gateway)
