"""The images port on Docker's command line."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from hitless.adapters.docker.cli import AT_ONCE, LONG, DockerCli
from hitless.adapters.docker.image_output import Layers
from hitless.adapters.docker.inspected import image
from hitless.adapters.docker.queries import filtered, inspect
from hitless.domain.release.model import Image

_OURS = "hitless:"


@dataclass(frozen=True)
class DockerImages:
    """The images of this engine."""

    cli: DockerCli

    def present(self, references: Mapping[str, str]) -> dict[str, Image]:
        """Those of the references (service -> image reference) that are on the host."""
        wanted = tuple(dict.fromkeys(references.values()))
        inspected = inspect(self.cli, "image", wanted)
        if len(inspected) == len(wanted):  # in the order of the question
            found = dict(zip(wanted, map(image, inspected), strict=True))
        else:  # the answer does not say which ones it left out
            one_by_one = ((name, inspect(self.cli, "image", (name,))) for name in wanted)
            found = {name: image(there[0]) for name, there in one_by_one if there}
        return {service: found[name] for service, name in references.items() if name in found}

    def pull(self, reference: str, platform: str | None, progress: Callable[[str], None]) -> None:
        """Pull an image from its registry, for a certain platform if one is named."""
        words = ("--platform", platform) if platform else ()
        layers = Layers(progress)
        self.cli.change("pull", *words, reference, timeout=LONG, inherits=False, heard=layers.heard)

    def tag(self, references: Mapping[str, str]) -> None:
        """Give images a second name (new reference -> present one)."""
        with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
            list(pool.map(lambda new: self.cli.change("tag", references[new], new), references))

    def tagged(self, application: str) -> frozenset[int]:
        """The numbers of the application's releases that have image tags."""
        # <application>.r<number>.<service>: an application's name has no dot
        tags = self._tags((f"{_OURS}{application}.r*",))
        found = (re.fullmatch(r"hitless:[^.]+\.r(\d+)\..+", tag) for tag in tags)
        return frozenset(int(match[1]) for match in found if match)

    def untag(self, application: str, releases: Sequence[int]) -> None:
        """Remove the image tags that keep these releases; an image without a name goes."""
        if not releases:
            return
        patterns = tuple(f"{_OURS}{application}.r{number}.*" for number in releases)
        tags = self._tags(patterns)
        if tags:
            self.cli.change("rmi", *tags)

    def _tags(self, patterns: Sequence[str]) -> tuple[str, ...]:
        """The image tags (with `hitless:`) that fit one of these patterns, which end with `*`."""
        answer = self.cli.ask("/images/json", filters={"reference": list(patterns)})
        if answer and answer[0]:
            there = [str(tag) for one in answer[1] for tag in one.get("RepoTags") or ()]
        else:
            shape = ("--format", "{{.Repository}}:{{.Tag}}")
            there = self.cli.run("images", *filtered("reference", patterns), *shape).split()
        # an image that fits may have other names, too
        return tuple(tag for tag in there if tag.startswith(tuple(one[:-1] for one in patterns)))
