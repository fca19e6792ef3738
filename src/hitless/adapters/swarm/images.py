"""The images port on a Swarm: the manager's engine has the images, and every node gets a copy."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from hitless.adapters.docker.cli import AT_ONCE, LONG, DockerCli, chunks, failed, kill
from hitless.adapters.docker.images import DockerImages
from hitless.adapters.swarm.nodes import Node, nodes
from hitless.domain.common.errors import DockerFailed, HitlessError, TimedOut
from hitless.domain.release.model import Image

_IN_USE = "is using its referenced image"
_ENDED = 20.0  # seconds in which a node removes what is left of a task
_PAUSE = 0.2


@dataclass(frozen=True)
class SwarmImages:
    """The images of a Swarm's manager, and their copies on the nodes that take tasks."""

    manager: DockerImages

    def present(self, references: Mapping[str, str]) -> dict[str, Image]:
        """Those of the references (service -> image reference) that are on the manager."""
        return self.manager.present(references)

    def pull(self, reference: str, platform: str | None, progress: Callable[[str], None]) -> None:
        """Pull an image from its registry to the manager, for a certain platform if one is named."""
        self.manager.pull(reference, platform, progress)

    def tag(self, references: Mapping[str, str]) -> None:
        """Give images a second name (new reference -> present one), and bring them to the nodes (`bring`).

        Raises `HitlessError` before it changes anything if a node can't be reached.
        """
        copies = self._nodes()
        self.manager.tag(references)
        self._bring(copies, tuple(references))

    def bring(self, references: Collection[str]) -> None:
        """Bring images of the manager, with these names, to every node that takes tasks and lacks them.

        Each node has the very same image then (by id). Raises `DockerFailed` with the node and the image, or
        `HitlessError` for a node without a context.
        """
        self._bring(self._nodes(), references)

    def tagged(self, application: str) -> frozenset[int]:
        """The numbers of the application's releases that have image tags on the manager."""
        return self.manager.tagged(application)

    def untag(self, application: str, releases: Sequence[int]) -> None:
        """Remove the image tags that keep these releases, also on each node that can be reached."""
        self.manager.untag(application, releases)
        if releases:
            there = [one for one in self._others() if one.is_ready and one.context]
            with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
                list(pool.map(lambda node: _untag(self._cli(node), application, releases), there))

    def _bring(self, copies: Mapping[Node, DockerCli], references: Collection[str]) -> None:
        found = self.manager.present({name: name for name in references}) if copies else {}
        ids = {name: one.id for name, one in found.items()}
        if missing := [name for name in references if name not in ids and copies]:
            raise DockerFailed("docker image inspect", 1, f"no such image: {', '.join(missing)}")
        with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
            list(pool.map(lambda node: copy_to(node, self.manager.cli, copies[node], ids), copies))

    def _nodes(self) -> dict[Node, DockerCli]:
        """The nodes that may get a task, without the manager's own, and the way to the engine of each."""
        return {one: self._cli(one) for one in self._others() if one.is_ready and one.takes_tasks}

    def _others(self) -> list[Node]:
        own = self.manager.cli.run("info", "--format", "{{.Swarm.NodeID}}").strip()
        return [one for one in nodes(self.manager.cli) if one.id != own]

    def _cli(self, node: Node) -> DockerCli:
        """The node's engine, for as long as the lock is held that the manager's is asked for."""
        return replace(node.cli(), guards=self.manager.cli.guards, most=self.manager.cli.most)


def copy_to(node: Node, manager: DockerCli, cli: DockerCli, ids: Mapping[str, str]) -> None:
    """Give a node, by its engine's `cli`, what it lacks of these images of the manager's (reference -> id).

    Raises `DockerFailed` with the node and the images if it has not the very same afterwards, or `TimedOut`.
    """
    images = DockerImages(cli)
    try:
        there = images.present({one: one for pair in ids.items() for one in pair})
        lacking = [name for name, own in ids.items() if name not in there or there[name].id != own]
        images.tag({name: ids[name] for name in lacking if ids[name] in there})
        if sent := [name for name in lacking if ids[name] not in there]:
            _send(manager, cli, sent)
            there = images.present({name: name for name in sent})
            if wrong := [name for name in sent if name not in there or there[name].id != ids[name]]:
                raise failed(
                    cli.argv("load"), 0, f"the node has another image than the manager as {', '.join(wrong)}"
                )
    except DockerFailed as error:
        raise DockerFailed(
            error.command,
            error.exit_code,
            f"the node {node.name} did not get {', '.join(ids)}: {error.output}",
            error.hint
            or f"try: docker --context {node.context} info; a node that must get no tasks: "
            f"docker node update --availability drain {node.name}",
            error.printed,
        ) from error


def _send(manager: DockerCli, cli: DockerCli, names: Sequence[str]) -> None:
    """Stream images from the manager to a node. Raises `DockerFailed` or `TimedOut`."""
    cli.insist()
    deadline = time.monotonic() + min(LONG, cli.most)
    save = manager.open("save", *names, inherits=False, stdin=subprocess.DEVNULL)
    processes = [save]
    try:
        assert save.stdout
        load = cli.open("load", "--quiet", inherits=False, stdin=save.stdout.fileno())
        processes.append(load)
        save.stdout.close()  # else `save` would never see that `load` has ended
        said = [bytearray(), bytearray()]
        for stream, data in chunks(load, deadline):
            said[stream].extend(data)
        load.wait(max(deadline - time.monotonic(), 0))
        _, why = save.communicate(timeout=max(deadline - time.monotonic(), 0))
    except (TimeoutError, subprocess.TimeoutExpired) as error:
        raise TimedOut(
            f"the images {', '.join(names)} did not reach {cli.context} in time",
            f"is the way to it slow? try: docker --context {cli.context} info",
        ) from error
    finally:
        for process in processes:
            kill(process)
            process.communicate()
    cause = why.decode(errors="replace")
    # where nobody reads any more, the reader is the cause
    is_unread = save.returncode == -signal.SIGPIPE or "broken pipe" in cause.lower()
    if save.returncode and not (load.returncode and is_unread):
        raise manager.hinted(failed(manager.argv("save", *names), save.returncode, cause))
    if load.returncode:
        texts = [one.decode(errors="replace") for one in (said[1], said[0])]
        raise cli.hinted(failed(cli.argv("load"), load.returncode, *texts))


def _untag(cli: DockerCli, application: str, releases: Sequence[int]) -> None:
    """Remove the tags on a node. The container of a task that has ended has its image for a moment yet."""
    deadline = time.monotonic() + _ENDED
    while True:
        try:
            DockerImages(cli).untag(application, releases)
        except HitlessError as error:
            if not cli.answered:
                return
            if not (isinstance(error, DockerFailed) and _IN_USE in error.output):
                raise
            if time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE)
        else:
            return
