"""Images on the nodes of a Swarm."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from hitless.adapters.docker.cli import DockerCli
from hitless.adapters.docker.images import DockerImages
from hitless.adapters.swarm.images import SwarmImages
from hitless.domain.common.errors import DockerFailed, HitlessError, LockLost
from tests.adapters.fake_docker import FakeDocker

WEB, JOB = "hitless:shop.r1.web", "hitless:shop.r1.job"
ID = "sha256:" + "1" * 64
OTHER = "sha256:" + "2" * 64


def node(
    name: str, context: str = "", state: str = "ready", availability: str = "active"
) -> dict[str, object]:
    return {
        "ID": f"id-{name}",
        "Spec": {
            "Role": "worker",
            "Availability": availability,
            "Labels": {"hitless.context": context} if context else {},
        },
        "Description": {"Hostname": name},
        "Status": {"State": state, "Addr": "10.0.0.2"},
    }


@pytest.fixture
def swarm(docker: FakeDocker) -> FakeDocker:
    """A manager that has the image, and two nodes that have none."""
    swarm_of(docker, node("m"), node("one", "c1"), node("two", "c2"))
    has(docker, (), {WEB: ID})
    lacks(docker, "c1", "c2")
    docker.answers("save", stdout="layers")
    return docker


def swarm_of(docker: FakeDocker, *found: dict[str, object]) -> None:
    docker.answers("info", stdout="id-m\n")
    docker.answers("node", "ls", stdout="".join(f"{one['ID']}\n" for one in found))
    docker.answers("node", "inspect", stdout=json.dumps(found))


def has(docker: FakeDocker, where: Sequence[str], ids: dict[str, str], after: Sequence[str] = ()) -> None:
    """The engine behind this context (`--context c1`) has these images: reference -> id."""
    for name, one in ids.items():
        docker.answers(*where, "image", "inspect", name, stdout=json.dumps([{"Id": one}]), after=after)


def lacks(docker: FakeDocker, *contexts: str) -> None:
    for context in contexts:
        missing = {"stdout": "[]", "stderr": "Error response from daemon: No such image: x", "exit_code": 1}
        docker.answers("--context", context, "image", "inspect", **missing)  # type: ignore[arg-type]


def loads(docker: FakeDocker, *contexts: str, ids: dict[str, str]) -> None:
    """The engines behind these contexts have the images once they have loaded them."""
    for context in contexts:
        where = ("--context", context)
        has(docker, where, ids, after=(*where, "load"))


def images(cli: DockerCli | None = None) -> SwarmImages:
    return SwarmImages(DockerImages(cli or DockerCli()))


def loaded(docker: FakeDocker) -> dict[str, str]:
    """What each context has loaded."""
    return {call.argv[1]: call.stdin for call in docker.calls if call.argv[2:3] == ("load",)}


def test_an_image_gets_its_name_on_the_manager_and_goes_to_each_node(swarm: FakeDocker) -> None:
    loads(swarm, "c1", "c2", ids={WEB: ID})

    images().tag({WEB: "nginx:1"})

    assert ("tag", "nginx:1", WEB) in swarm.argvs
    assert loaded(swarm) == {"c1": "layers", "c2": "layers"}
    assert swarm.argvs.count(("save", WEB)) == 2


def test_a_node_that_has_the_image_gets_nothing(swarm: FakeDocker) -> None:
    loads(swarm, "c2", ids={WEB: ID})
    has(swarm, ("--context", "c1"), {WEB: ID, ID: ID})

    images().bring([WEB])

    assert loaded(swarm) == {"c2": "layers"}


def test_a_node_that_has_the_image_under_another_name_gets_the_name(swarm: FakeDocker) -> None:
    swarm_of(swarm, node("m"), node("one", "c1"))
    has(swarm, ("--context", "c1"), {ID: ID})

    images().bring([WEB])

    assert ("--context", "c1", "tag", ID, WEB) in swarm.argvs
    assert loaded(swarm) == {}


def test_a_node_that_has_another_image_under_that_name_gets_the_right_one(swarm: FakeDocker) -> None:
    swarm_of(swarm, node("m"), node("one", "c1"))
    has(swarm, ("--context", "c1"), {WEB: OTHER})
    loads(swarm, "c1", ids={WEB: ID})

    images().bring([WEB])

    assert loaded(swarm) == {"c1": "layers"}


def test_all_that_a_node_lacks_comes_in_one_stream(swarm: FakeDocker) -> None:
    swarm_of(swarm, node("m"), node("one", "c1"))
    has(swarm, (), {JOB: OTHER})
    swarm.answers("image", "inspect", WEB, JOB, stdout=json.dumps([{"Id": ID}, {"Id": OTHER}]))
    loads(swarm, "c1", ids={WEB: ID, JOB: OTHER})
    both = json.dumps([{"Id": ID}, {"Id": OTHER}])
    where = ("--context", "c1")
    swarm.answers(*where, "image", "inspect", WEB, JOB, stdout=both, after=(*where, "load"))

    images().bring([WEB, JOB])

    assert [argv for argv in swarm.argvs if argv[0] == "save"] == [("save", WEB, JOB)]


@pytest.mark.parametrize("other", [node("x", "c9", state="down"), node("x", "c9", availability="drain")])
def test_a_node_that_gets_no_tasks_needs_no_image(swarm: FakeDocker, other: dict[str, object]) -> None:
    swarm_of(swarm, node("m"), other)

    images().bring([WEB])

    assert loaded(swarm) == {}


def test_a_node_without_a_context_is_an_error_before_anything_changes(swarm: FakeDocker) -> None:
    swarm_of(swarm, node("m"), node("one", "c1"), node("three"))

    with pytest.raises(HitlessError, match="three has no context") as raised:
        images().tag({WEB: "nginx:1"})

    assert raised.value.hint == "run: hitless nodes add three --context NAME"
    assert [argv for argv in swarm.argvs if "tag" in argv or "load" in argv] == []


def test_a_node_that_has_another_image_after_that_is_an_error(swarm: FakeDocker) -> None:
    loads(swarm, "c1", ids={WEB: ID})
    loads(swarm, "c2", ids={WEB: OTHER})

    with pytest.raises(DockerFailed, match=f"the node two did not get {WEB}: .*another image") as raised:
        images().bring([WEB])

    assert "docker --context c2 info" in raised.value.hint


def test_a_node_that_can_not_load_says_why(swarm: FakeDocker) -> None:
    swarm_of(swarm, node("m"), node("one", "c1"))
    swarm.answers("--context", "c1", "load", stderr="no space left on device", exit_code=1)

    with pytest.raises(DockerFailed, match=f"the node one did not get {WEB}: no space left") as raised:
        images().bring([WEB])

    assert "make room" in raised.value.hint


def test_a_node_that_reads_nothing_is_the_cause_and_not_the_manager(swarm: FakeDocker) -> None:
    swarm_of(swarm, node("m"), node("one", "c1"))
    swarm.answers("save", stdout="x" * 1_000_000)
    swarm.answers("--context", "c1", "load", stderr="permission denied", exit_code=1, way="refuse")

    with pytest.raises(DockerFailed, match="permission denied"):
        images().bring([WEB])


def test_a_manager_that_can_not_save_is_the_cause(swarm: FakeDocker) -> None:
    swarm.answers("save", stderr="reference does not exist", exit_code=1)

    with pytest.raises(DockerFailed, match="reference does not exist"):
        images().bring([WEB])


def test_an_image_that_the_manager_lacks_is_an_error(swarm: FakeDocker) -> None:
    swarm.answers("image", "inspect", JOB, stdout="[]", stderr="Error: No such image: x", exit_code=1)

    with pytest.raises(DockerFailed, match=f"no such image: {JOB}") as raised:
        images().bring([JOB])

    assert raised.value.is_missing


def test_after_a_lock_is_lost_no_node_gets_an_image(swarm: FakeDocker) -> None:
    def lost() -> None:
        raise LockLost("another")

    with pytest.raises(LockLost):
        images(DockerCli(guards=[lost])).bring([WEB])

    assert loaded(swarm) == {}


def test_the_manager_alone_is_asked_what_is_there(swarm: FakeDocker) -> None:
    swarm.answers("images", stdout=f"{WEB}\n")

    assert images().present({"web": WEB})["web"].id == ID
    assert images().tagged("shop") == {1}
    assert [argv for argv in swarm.argvs if argv[0] == "--context"] == []


def test_names_are_removed_on_each_node_also_on_one_that_gets_no_tasks_now(swarm: FakeDocker) -> None:
    swarm_of(swarm, node("m"), node("one", "c1"), node("two", "c2", availability="drain"), node("three"))
    swarm.answers("images", stdout=f"{WEB}\n")

    images().untag("shop", (1,))

    removals = {argv for argv in swarm.argvs if "rmi" in argv}
    assert removals == {("rmi", WEB), *(("--context", name, "rmi", WEB) for name in ("c1", "c2"))}


def test_a_node_that_does_not_answer_keeps_its_names(swarm: FakeDocker) -> None:
    swarm.answers("images", stdout=f"{WEB}\n")
    swarm.answers("--context", "c1", "images", stderr="error during connect: EOF", exit_code=1)

    images().untag("shop", (1,))

    assert ("--context", "c2", "rmi", WEB) in swarm.argvs


def test_a_node_that_answers_and_can_not_remove_a_name_is_an_error(swarm: FakeDocker) -> None:
    swarm.answers("images", stdout=f"{WEB}\n")
    swarm.answers("--context", "c1", "rmi", stderr="conflict: container 12 is using it", exit_code=1)

    with pytest.raises(DockerFailed, match="conflict"):
        images().untag("shop", (1,))


def test_where_no_release_is_named_no_node_is_asked(swarm: FakeDocker) -> None:
    images().untag("shop", ())

    assert swarm.calls == []
