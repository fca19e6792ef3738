"""What hitless asks, and what each answer says in the file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitless.domain.application import read as reading
from hitless.domain.application import roles
from hitless.domain.application.model import Role
from hitless.domain.application.roles import Assignment
from hitless.domain.checks import application as checks
from hitless.domain.common.foreign import Json
from hitless.domain.questions import dialogue
from hitless.domain.questions.model import Option, Question, with_said
from tests.domain.builders import compose, examples, unrouted, web, world


def held(services: Json, **words: str) -> dialogue.Dialogue:
    """The dialogue about these services; `words` are answers, `_` for a dot, the others are defaults."""

    def answer(question: Question) -> Option:
        word = words.get(question.name.replace(".", "_"))
        return (word is not None and question.option(word)) or dialogue.default(question)

    return dialogue.hold(compose(services), answer)


def names(found: dialogue.Dialogue) -> list[str]:
    return [one.question.name for one in found.answers]


def errors(services: Json, said: Json) -> list[str]:
    """The errors of a deployment, without those about what the gateway publishes."""
    application, findings = reading.read(with_said(compose(services), said))
    found = (*findings, *checks.check(application, world(), {}))
    return [one.message for one in found if one.is_error and "gateway does not publish" not in one.message]


def published(number: int, target: int = 8000, **keys: Any) -> Json:
    port = {"published": str(number), "target": target, "protocol": "tcp", **keys}
    return {"ports": [port]}


def volume(source: str = "data", target: str = "/data") -> Json:
    return {"type": "volume", "source": source, "target": target}


# which service people reach


def test_nothing_is_asked_about_a_file_that_says_everything() -> None:
    assert held({"app": web(), "worker": unrouted(), "db": {"image": "postgres:15"}}).answers == ()


def test_without_a_route_the_built_service_with_a_port_is_the_first_candidate() -> None:
    services = {
        "db": {"image": "postgres:15", **published(5432, 5432)},
        "mail": {"image": "mailpit", **published(8025, 8025)},
        "shop": {"build": {"context": "."}, **published(8000)},
    }
    found = held(services)
    assert names(found) == ["web"]
    assert [option.word for option in found.answers[0].question.options] == ["shop", "mail", "none"]
    assert found.said == {"shop": {"publish": "gateway"}}
    assert errors(services, found.said) == []


def test_of_a_candidate_that_writes_one_runs_and_its_option_says_that_requests_wait() -> None:
    services = {"git": {"image": "gitea", **published(3000, 3000), "volumes": [volume()]}}
    [one] = held(services).answers
    assert one.option.says == {"git": {"publish": "gateway", "exclusive": True}}
    assert "requests wait at that time, as one copy alone writes to data" in one.option.meaning
    assert errors(services, one.option.says) == []


def test_the_first_candidate_is_the_default_unless_its_data_would_end_with_a_release() -> None:
    services = {
        "api": {"image": "a/api", **published(8000), "volumes": [volume()]},
        "dashboard": {"image": "a/dashboard", **published(9000, 80)},
    }
    found = held(services)
    assert [option.word for option in found.answers[0].question.options] == ["api", "dashboard", "none"]
    assert found.said["api"] == {"publish": "gateway", "exclusive": True}
    assert errors(services, found.said) == []
    lost = {**services["api"], "volumes": [{"type": "volume", "target": "/data"}]}
    assert held({**services, "api": lost}).answers[0].option.word == "dashboard"


@pytest.mark.parametrize(
    "service",
    [
        {"image": "a", **published(5000, protocol="sctp")},
        {"image": "a", **published(5000), "network_mode": "host"},
        {"image": "a", **published(5000), "x-hitless": {"role": "shared"}},
        {"image": "a"},
        {"image": "traefik:3", **published(80)},
        {"image": "postgres", **published(5432)},
    ],
)
def test_a_service_whose_ports_the_gateway_can_not_have_is_no_candidate(service: Json) -> None:
    assert "web" not in names(held({"app": service}))


# protocols


@pytest.mark.parametrize(
    ("targets", "protocol"),
    [
        ([8000], None),  # what is usual is not asked
        ([80, 8080], None),
        ([8765], "http"),  # people reach it, so most likely with a browser
        ([6379], "tcp"),
        ([80, 9229], "tcp"),  # raw TCP carries HTTP, too
    ],
)
def test_what_the_web_service_speaks_is_asked_unless_it_is_usual(
    targets: list[int], protocol: str | None
) -> None:
    ports = [{"published": str(10_000 + target), "target": target} for target in targets]
    found = held({"app": {"build": {"context": "."}, "ports": ports}})
    assert names(found) == ["web", *(["app.protocol"] if protocol else [])]
    assert found.said == {"app": {"publish": "gateway", **({"protocol": protocol} if protocol else {})}}


@pytest.mark.parametrize(
    ("word", "says"),
    [("http", {"protocol": "http"}), ("tcp", {"protocol": "tcp"}), ("none", {"publish": "none"})],
)
def test_an_unusual_port_beside_a_route_is_asked_about(word: str, says: Json) -> None:
    services = {"app": web(**published(9458, 9458))}
    found = held(services, app_protocol=word)
    assert names(found) == ["app.protocol"]
    assert found.said == {"app": says}
    assert errors(services, found.said) == []


# services with a copy in each release


def test_the_port_of_a_worker_goes_to_the_gateway_if_it_writes_nothing() -> None:
    services = {"app": web(), "worker": unrouted(**published(8000))}
    found = held(services)
    assert found.said == {"worker": {"publish": "gateway"}}
    assert errors(services, found.said) == []
    assert held(services, worker_ports="none").said == {"worker": {"publish": "none"}}


def test_a_worker_with_a_port_that_writes_runs_once_by_default() -> None:
    services = {"app": web(), "worker": unrouted(**published(8000), volumes=[volume()])}
    assert held(services).said == {"worker": {"role": "shared"}}
    assert held(services, worker_volumes="two").said == {
        "worker": {"concurrent_writes": True, "publish": "gateway"}
    }


@pytest.mark.parametrize(
    ("word", "says"),
    [("", {"exclusive": True}), ("shared", {"role": "shared"}), ("two", {"concurrent_writes": True})],
)
def test_a_worker_that_writes_is_alone_unless_two_may_write(word: str, says: Json) -> None:
    services = {"app": web(), "worker": unrouted(volumes=[volume()])}
    found = held(services, worker_volumes=word)
    assert names(found) == ["worker.volumes"]
    assert found.said == {"worker": says}
    assert errors(services, found.said) == []


def test_a_worker_that_writes_and_that_the_release_needs_is_alone_and_requests_wait_for_it() -> None:
    needing = web(depends_on={"worker": {"condition": "service_started"}})
    services = {"app": needing, "worker": unrouted(volumes=[volume()])}
    assert held(services).said == {"worker": {"exclusive": True}}


def test_a_worker_that_the_file_calls_one_stays_one() -> None:
    needing = web(depends_on={"worker": {"condition": "service_started"}})
    own = unrouted(volumes=[volume()], x_hitless={"role": "worker"})
    assert held({"app": needing, "worker": own}).said == {"worker": {"exclusive": True}}


def test_data_in_a_volume_without_a_name_is_kept_by_default() -> None:
    services = {"app": web(), "worker": unrouted(volumes=[{"type": "volume", "target": "/data"}])}
    found = held(services)
    assert found.said == {"worker": {"role": "shared"}}
    assert held(services, worker_volumes="worker").said == {"worker": {"concurrent_writes": True}}
    assert errors(services, found.said) == []


def test_a_scheduler_is_alone_without_a_question() -> None:
    assert (
        held({"app": web(), "beat": unrouted(command=["celery", "beat"], volumes=[volume()])}).answers == ()
    )


# services with a route that write


def test_a_web_service_that_alone_writes_is_no_question() -> None:
    services = {"app": web(volumes=[volume()])}
    assert held(services).answers == ()
    assert errors(services, {}) == []


def test_a_web_service_that_writes_beside_another_writer_runs_alone() -> None:
    services = {"app": web(volumes=[volume()]), "db": {"image": "postgres", "volumes": [volume()]}}
    [one] = held(services).answers
    assert [option.word for option in one.question.options] == ["alone", "two"]
    assert one.option.says == {"app": {"exclusive": True}}
    assert errors(services, one.option.says) == []


def test_several_web_containers_that_write_wait_for_their_user() -> None:
    services = {"app": web(volumes=[volume()], scale=2)}
    [one] = held(services).answers
    assert [option.word for option in one.question.options] == ["later", "two"]
    assert (one.option.word, one.option.says) == ("later", {})
    found = held(services, app_volumes="two")
    assert found.said == {"app": {"concurrent_writes": True}}
    assert errors(services, found.said) == []
    labels = {
        key.replace("shop", "admin"): one.replace("shop", "admin") for key, one in web()["labels"].items()
    }
    services = {"app": web(), "admin": web(labels, volumes=[volume()], scale=2)}
    found = held(services)
    assert found.said == {"admin": {"role": "shared"}}
    assert errors(services, found.said) == []


def test_what_many_may_write_to_is_no_question() -> None:
    uploads = volume("uploads", "/srv/uploads")
    services = {"app": web(volumes=[uploads]), "worker": unrouted(volumes=[uploads])}
    assert held(services).answers == ()
    plain = {"app": {"image": "notes", **published(8000), "volumes": [uploads]}}
    assert held(plain).said == {"app": {"publish": "gateway"}}


def test_if_all_with_a_route_run_once_the_first_is_what_deployments_replace(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    services = {"mail": web(build={"context": "."}, volumes=[volume()], x_hitless={"role": "shared"})}
    assert held(services).answers == ()  # the file says it
    shared = {"git": Assignment(Role.SHARED, "it keeps data")}
    monkeypatch.setattr(roles, "assign", lambda model, routed, said, allowed: shared)
    [one] = held({"git": web(volumes=[volume()])}).answers
    assert (one.question.name, one.option.word) == ("web", "git")
    assert one.option.says == {"git": {"role": "web", "exclusive": True}}


def test_a_role_that_is_a_guess_is_asked_and_by_default_one_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    def guessed(model: Json, routed: Any, said: Json, allowed: Any) -> dict[str, Assignment]:
        return {
            name: Assignment(Role.WEB, "")
            if name in routed
            else Assignment(said.get(name, Role.SHARED), "", "" if name in said else "it may write")
            for name in model["services"]
        }

    monkeypatch.setattr(roles, "assign", guessed)
    services = {"app": web(), "helper": {"image": "b", "volumes": [volume()]}}
    found = held(services)
    assert names(found) == ["helper.role"]
    assert "it may write" in found.answers[0].question.asked
    assert found.said == {"helper": {"role": "shared"}}
    assert held(services, helper_role="worker").said == {
        "helper": {"role": "worker", "concurrent_writes": True}
    }


def test_a_role_that_is_a_guess_takes_its_ports_along() -> None:
    services = {
        "app": web(),
        "api": unrouted("shop/api", build={"context": "api"}, volumes=[volume()], **published(9, 9)),
    }
    found = held(services, api_role="worker", api_protocol="http")
    assert names(found) == ["api.role", "api.protocol"]
    assert found.said == {
        "api": {"publish": "gateway", "exclusive": True, "protocol": "http"},
    }
    assert errors(services, found.said) == []


# all of them


def test_only_what_is_to_say_is_in_the_model() -> None:
    model = compose({"app": web(x_hitless={"timeout": "3m"}), "db": {"image": "postgres"}})
    found = with_said(model, {"app": {"publish": "none"}})
    assert found["services"]["app"]["x-hitless"] == {"timeout": "3m", "publish": "none"}
    assert found["services"]["db"] == {"image": "postgres"}


MOUNTS = st.lists(
    st.sampled_from([volume(), volume("other"), {"type": "volume", "target": "/x"}]),
    max_size=2,
    unique_by=str,
)
SERVICES = st.fixed_dictionaries(
    {
        "image": st.sampled_from(["shop:1", "postgres", "acme/a", "acme/b", "traefik"]),
        "volumes": MOUNTS,
        "ports": st.lists(
            st.sampled_from([published(8000)["ports"][0], published(7777, 7777)["ports"][0]]),
            max_size=2,
            unique_by=str,
        ),
        "command": st.sampled_from([[], ["beat"]]),
        "depends_on": st.sampled_from([{}, {"a": {"condition": "service_started"}}]),
    },
    optional={"build": st.just({"context": "."}), "labels": st.just(web()["labels"])},
)
FILES = st.dictionaries(st.sampled_from("abc"), SERVICES, min_size=1)


def _all_ways(pick: int) -> Callable[[Question], Option]:
    return lambda question: question.options[pick % len(question.options)]


@examples(150)
@given(FILES)
def test_no_default_lets_two_copies_write_or_data_end(services: Json) -> None:
    found = held(services)
    for one in found.answers:
        for keys in one.option.says.values():
            assert not keys.get("concurrent_writes")
            assert keys.get("exclusive") is not False
    application, _ = reading.read(with_said(compose(services), found.said))
    for service in application.having(Role.WEB):
        volumes = services[service.name]["volumes"]
        assert service.exclusive or not any(one.get("source") for one in volumes)
        if "labels" not in services[service.name]:
            assert all(one.get("source") for one in volumes)


@examples(150)
@given(FILES, st.integers(0, 5))
def test_a_second_dialogue_says_nothing_new_and_no_answer_reads_as_an_error(
    services: Json, pick: int
) -> None:
    model = compose(services)
    first = dialogue.hold(model, _all_ways(pick))
    after = with_said(model, first.said)
    answered = {one.question.name for one in first.answers if one.option.says}
    assert not answered & {*names(dialogue.hold(after, _all_ways(pick)))}
    by_default = with_said(model, dialogue.hold(model, dialogue.default).said)
    assert dialogue.hold(by_default, dialogue.default).said == {}
    _, findings = reading.read(after)
    assert [one for one in findings if "x-hitless" in one.path] == []
