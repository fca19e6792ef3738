"""The gateway's routing directory: which routings its files hold, and what is wrong with the others. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from hitless.adapters.gateway.routing_file import ForeignRouting, parse
from hitless.domain.routing.split import Routing

READ_BY_TRAEFIK = (".yml", ".yaml", ".toml")  # the endings that its file provider reads


@dataclass(frozen=True)
class RoutingDirectory:
    """The directory's texts by file name.

    `copies` are the second copies of the files that are damaged or gone; `aside` names the files that Traefik
    refused when it started, and now runs without.
    """

    files: Mapping[str, str]
    copies: Mapping[str, str]
    aside: Collection[str] = ()

    def read(self) -> tuple[dict[str, Routing], dict[str, str], dict[str, str]]:
        """All applications' routings by name; what is wrong with files without a copy; and with a copy.

        The last two are path -> problem. Without a copy, the file's routing is not known.
        """
        found: dict[str, Routing] = {}
        broken: dict[str, str] = {}
        restored: dict[str, str] = {}
        for path in dict.fromkeys((*self.files, *self.copies)):
            if not path.endswith(READ_BY_TRAEFIK):
                continue
            routing, problem = self._routing(path)
            if routing is None:
                broken[path] = problem
            elif path != f"{routing.application}.yml":
                broken[path] = f"{path} in the gateway is a copy of {routing.application}.yml"
            else:
                found[routing.application] = routing
                if problem:
                    restored[path] = f"{problem}; its last good copy serves"
                elif path in self.aside:
                    broken[path] = (
                        f"Traefik refused {path} when it started and serves without it: "
                        "see hitless gateway logs"
                    )
        return found, broken, restored

    def _routing(self, path: str) -> tuple[Routing | None, str]:
        """What the file holds, or else its copy, and what is wrong with the file."""
        text = self.files.get(path)
        if text is None:
            return self._copied(path), f"{path} in the gateway is gone"
        try:
            return parse(text, path), ""
        except ForeignRouting as error:
            return self._copied(path), error.message if text else f"{path} in the gateway is empty"

    def _copied(self, path: str) -> Routing | None:
        try:
            return parse(self.copies[path], path)
        except (KeyError, ForeignRouting):
            return None
