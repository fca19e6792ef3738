"""What `record.py` has written down, read as text alone: nothing of hitless is needed for that."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

RECORDINGS = Path(__file__).parent / "v1"
APPLICATION = "shop"
FIRST = "live"  # the situation that all others begin with
MANIFEST = "host.txt"  # of each file of a situation in which one's folder it lies


@dataclass(frozen=True)
class Recording:
    """A host in one situation. `files` maps path -> text."""

    name: str
    files: Mapping[str, str]

    def under(self, folder: str) -> dict[str, str]:
        """The files of a folder: name -> text."""
        found = {path: text for path, text in self.files.items() if path.startswith(f"{folder}/")}
        return {path.removeprefix(f"{folder}/"): text for path, text in found.items()}

    def decoded(self, folder: str) -> list[dict[str, Any]]:
        """The same as the JSON that they hold."""
        return [json.loads(text) for text in self.under(folder).values()]

    @property
    def containers(self) -> list[dict[str, Any]]:
        """What `docker inspect` says of each container."""
        return [one["inspect"] for one in self.decoded("containers")]

    @property
    def images(self) -> dict[str, dict[str, Any]]:
        """What `docker image inspect` says: reference -> image."""
        found: dict[str, dict[str, Any]] = json.loads(self.files["images.json"])
        return found

    @property
    def networks(self) -> dict[str, dict[str, Any]]:
        """What `docker network inspect` says, with the names of the containers on it: name -> network."""
        return {
            one["Name"]: {
                **one,
                "Containers": [
                    container["Name"].removeprefix("/")
                    for container in self.containers
                    if one["Name"] in container["NetworkSettings"]["Networks"]
                ],
            }
            for one in self.decoded("networks")
        }

    @property
    def routing(self) -> dict[str, Any] | None:
        """What the first line of the routing file says: who is live, in which generation."""
        text = self.files.get(f"routes/{APPLICATION}.yml")
        if text is None:
            return None
        first = text.partition("\n")[0]
        found: dict[str, Any] = json.loads(first[first.index("{") :])["routing"]
        return found

    @property
    def live(self) -> int | None:
        """The number of the live release."""
        routing = self.routing
        return routing["colours"][routing["live"]]["release"] if routing else None

    @property
    def is_warm(self) -> bool:
        """Whether the gateway has the servers of both colours still."""
        routing = self.routing
        return routing is not None and len(routing["colours"]) == 2


@cache
def recording(name: str) -> Recording:
    """The host in this situation."""
    files = {}
    for line in (RECORDINGS / name / MANIFEST).read_text().splitlines():
        path, where = line.split("  ")
        folders = [name if folder == "here" else folder for folder in where.split(", then ")]
        files[path] = "".join((RECORDINGS / folder / path).read_text() for folder in folders)
    return Recording(name, files)


def situations(kind: str = "") -> list[str]:
    """The names of all situations, or of those that begin so."""
    return sorted(path.parent.name for path in RECORDINGS.glob(f"{kind}*/{MANIFEST}"))
