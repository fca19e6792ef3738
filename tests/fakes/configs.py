"""The operator's own middlewares, in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hitless.adapters.gateway.configs import parse, read_document, render
from hitless.domain.common.findings import Finding
from hitless.domain.routing.gateway_config import TRIAL, Config
from hitless.domain.routing.split import Routing


@dataclass
class FakeConfigs:
    """What is there by name, and the markers of that in Traefik."""

    there: dict[str, Config]
    in_traefik: dict[str, Routing]

    def read_config(self, file: str, content: bytes) -> tuple[Any, Sequence[Finding]]:
        return read_document(file, content)

    def try_config(self, config: Config) -> None:
        self.in_traefik[TRIAL] = config.trial

    def end_trial(self) -> None:
        self.in_traefik.pop(TRIAL, None)

    def install_config(self, config: Config) -> None:
        kept = parse(render(config))
        assert kept == config
        self.there[config.name] = kept
        self.in_traefik[config.place] = config.marker

    def remove_config(self, config: Config) -> None:
        self.there.pop(config.name, None)
        self.in_traefik.pop(config.place, None)
