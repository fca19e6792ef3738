"""hitless nodes: what is noted about a node, and what is shown of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest
from click.testing import CliRunner, Result

from hitless import wiring
from hitless.cli.main import hitless
from hitless.cli.options import Options
from hitless.domain.common.errors import HitlessError
from hitless.domain.host.nodes import NodeStatus
from tests.reference.published import check_output


@dataclass
class FakeNodes:
    """A Swarm in memory."""

    there: dict[str, NodeStatus] = field(default_factory=dict)

    def nodes(self) -> Sequence[NodeStatus]:
        return [one for _, one in sorted(self.there.items())]

    def add(self, name: str, context: str, is_edge: bool | None) -> NodeStatus:
        if name not in self.there:
            raise HitlessError(f"the Swarm has no node {name}")
        edge = self.there[name].is_edge if is_edge is None else is_edge
        self.there[name] = replace(self.there[name], context=context, is_edge=edge)
        return self.there[name]

    def remove(self, name: str) -> None:
        self.there[name] = replace(self.there[name], context="", is_edge=False)


@pytest.fixture
def there() -> FakeNodes:
    nodes = [
        NodeStatus("n1", "10.0.0.1", True, True, True, False, ""),
        NodeStatus("n2", "10.0.0.2", False, False, False, False, ""),
    ]
    return FakeNodes({one.name: one for one in nodes})


def call(monkeypatch: pytest.MonkeyPatch, there: FakeNodes, *words: str) -> Result:
    class Host:
        def nodes(self) -> FakeNodes:
            return there

    monkeypatch.setattr(wiring, "host", lambda *_: Host())
    return CliRunner().invoke(hitless, ("nodes", *words))


def test_a_node_is_added_and_forgotten(monkeypatch: pytest.MonkeyPatch, there: FakeNodes) -> None:
    done = call(monkeypatch, there, "add", "n2", "--context", "two", "--edge")
    assert done.output == "n2 is reached by the context two, and is an edge\n"
    done = call(monkeypatch, there, "add", "n2", "--context", "other")
    assert (there.there["n2"].context, there.there["n2"].is_edge) == ("other", True)
    call(monkeypatch, there, "add", "n2", "--context", "other", "--no-edge")
    assert not there.there["n2"].is_edge
    call(monkeypatch, there, "remove", "n2")
    assert there.there["n2"].context == ""


def test_a_node_that_the_swarm_lacks_is_an_error(monkeypatch: pytest.MonkeyPatch, there: FakeNodes) -> None:
    done = call(monkeypatch, there, "add", "n9", "--context", "nine")
    assert isinstance(done.exception, HitlessError)


def test_people_see_who_is_not_reached(monkeypatch: pytest.MonkeyPatch, there: FakeNodes) -> None:
    there.add("n1", "one", True)
    said = call(monkeypatch, there, "list").output
    assert "manager" in said
    assert "down, takes no tasks" in said
    assert "hitless does not reach n2" in said


def test_programs_get_all_of_it(monkeypatch: pytest.MonkeyPatch, there: FakeNodes) -> None:
    said = call(monkeypatch, there, "list", "--json").output
    check_output(("nodes", "list", "--json"), said)
    assert [one["name"] for one in json.loads(said)["nodes"]] == ["n1", "n2"]


@pytest.mark.parametrize(
    "words", [("--engine", "swarm", "nodes", "list"), ("nodes", "list", "--engine", "swarm")]
)
def test_the_engine_is_chosen_before_or_after_the_verb(
    monkeypatch: pytest.MonkeyPatch, there: FakeNodes, words: tuple[str, ...]
) -> None:
    seen = []

    class Host:
        def nodes(self) -> FakeNodes:
            return there

    def host(*asked: object) -> Host:
        seen.append(asked[-1])
        return Host()

    monkeypatch.setattr(wiring, "host", host)
    assert CliRunner().invoke(hitless, words).exit_code == 0
    assert seen == ["swarm"]


def test_what_is_typed_next_names_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    options = Options((), "shop", None, (), (), None, "traefik", engine="swarm")
    assert options.words() == " -p shop --engine swarm"
    monkeypatch.setenv("HITLESS_ENGINE", "swarm")
    assert options.words() == " -p shop"
