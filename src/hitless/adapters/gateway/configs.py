"""The configs port on the gateway's routing directory: each is a file that Traefik reads."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hitless.adapters import json_yaml
from hitless.adapters.gateway.routing_file import is_whole, sealed
from hitless.adapters.gateway.shell import GATEWAY_LOCK, GatewayShell
from hitless.adapters.gateway.traefik_document import document
from hitless.domain.common.findings import Finding
from hitless.domain.common.foreign import Json
from hitless.domain.routing.gateway_config import TRIAL, Config
from hitless.domain.routing.reserved import INSIDE, MARKER_HOST
from hitless.domain.routing.split import Routing


@dataclass(frozen=True)
class GatewayConfigs:
    """Those of the gateway of this shell. Who changes them holds the gateway's lock; else `LockLost`."""

    shell: GatewayShell

    def read_config(self, file: str, content: bytes) -> tuple[Any, Sequence[Finding]]:
        """The document in a file of YAML or TOML, by the ending of its name, and why it can't be read."""
        return read_document(file, content)

    def try_config(self, config: Config) -> None:
        """Have Traefik make these middlewares under other names, which nobody uses."""
        self._provide(TRIAL, render_trial(config))

    def end_trial(self) -> None:
        """Remove what `try_config` has placed."""
        self._displace(TRIAL)

    def install_config(self, config: Config) -> None:
        """Put it in place in one instant, in place of one of the same name."""
        self._provide(config.place, render(config))

    def remove_config(self, config: Config) -> None:
        """Remove it."""
        self._displace(config.place)

    def _provide(self, name: str, text: str) -> None:
        content = text.encode()
        self.shell.change("place", GATEWAY_LOCK, name, str(len(content)), stdin=content)

    def _displace(self, name: str) -> None:
        self.shell.change("displace", GATEWAY_LOCK, name)


def read_document(file: str, content: bytes) -> tuple[Any, tuple[Finding, ...]]:
    """The document in a file of YAML or TOML, by the ending of its name, and why it can't be read."""
    if b"{{" in content:
        said = "has {{: hitless runs no Go templates"
        return None, (Finding(file, said, "write what the template would make of it"),)
    # imported here: every command imports this module, and PyYAML takes 20 ms
    import tomllib

    from hitless.adapters.docker import compose_yaml

    try:
        text = content.decode()
        return (tomllib.loads(text) if file.endswith(".toml") else compose_yaml.load(content)), ()
    except (ValueError, compose_yaml.YAMLError) as error:
        said = " ".join(str(error).split())
        return None, (Finding(file, f"can't be read: {said}", "it must be YAML, or TOML if it ends so"),)


def render(config: Config) -> str:
    """The file's text; hitless reads its first line alone (`parse`)."""
    return sealed({"config": vars(config)}, _text(_with(config.marker, config.middlewares, {})))


def render_trial(config: Config) -> str:
    """The same under other names, each with a route that nobody can reach: Traefik makes what a route has."""

    def renamed(middleware: Json) -> Json:
        if "chain" not in middleware:
            return middleware
        return {"chain": {"middlewares": list(map(_trial, middleware["chain"]["middlewares"]))}}

    middlewares = {_trial(name): renamed(one) for name, one in config.middlewares.items()}
    routers = {
        _trial(name): {
            "rule": f"{INSIDE} && Host(`{MARKER_HOST}`) && Path(`/{TRIAL}/{name}`)",
            "service": "noop@internal",
            "entryPoints": list(config.trial.over_http),
            "middlewares": [_trial(name)],
        }
        for name in config.middlewares
    }
    return sealed({"trial": config.name}, _text(_with(config.trial, middlewares, routers)))


def parse(text: str) -> Config | None:
    """The config of such a file, from its first line; None where it is not whole, or can't be read."""
    if not is_whole(text):
        return None
    line = text.partition("\n")[0]
    try:
        value = json.loads(line[line.index("{") :])["config"]
        return Config(value["name"], int(value["generation"]), dict(value["middlewares"]))
    except (ValueError, KeyError, TypeError):
        return None


def _with(routing: Routing, middlewares: Mapping[str, Json], routers: Mapping[str, Json]) -> Json:
    http = document(routing)["http"]
    return {
        "http": {
            **http,
            "routers": {**http["routers"], **routers},
            "middlewares": {**http["middlewares"], **middlewares},
        }
    }


def _trial(name: str) -> str:
    return f"{TRIAL}.{name}.check"


def _text(content: Json) -> str:
    return json_yaml.dump(content, indent=1) + "\n"
