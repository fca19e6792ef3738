"""Secrets of a Compose model in what is shown and written down."""

from __future__ import annotations

import pytest

from hitless.domain.events import Began, StepDone, StepFailed
from hitless.domain.redact import CUT_OFF, MARK, redact, secrets


def model(**environment: object) -> dict[str, object]:
    return {"services": {"web": {"environment": environment}}}


@pytest.mark.parametrize(
    "key",
    ["PASSWORD", "db_passwd", "API_TOKEN", "SECRET_KEY", "STRIPE_API_KEY", "SENTRY_DSN", "AWS_ACCESS_KEY_ID"],
)
def test_a_value_is_secret_by_its_name(key: str) -> None:
    assert secrets(model(**{key: "hunter2hunter2"})) == {"hunter2hunter2"}


@pytest.mark.parametrize(
    ("key", "value"), [("MODE", "production"), ("PASSWORD", "1"), ("TOKEN", None), ("KEYBOARD", "querty-de")]
)
def test_what_is_no_secret_stays(key: str, value: object) -> None:
    assert secrets(model(**{key: value})) == frozenset()


def test_the_password_in_an_address_is_secret_and_the_address_is_not() -> None:
    found = secrets(model(DATABASE_URL="postgres://shop:s3cr3t!@db:5432/shop"))
    assert found == {"s3cr3t!"}
    shown = redact("can't reach postgres://shop:s3cr3t!@db:5432/shop", found)
    assert shown == f"can't reach postgres://shop:{MARK}@db:5432/shop"


@pytest.mark.parametrize(
    ("address", "hidden"),
    [
        ("redis://:s3cr3ts@cache:6379/0", {"s3cr3ts"}),
        ("postgres://shop:s3@cr3ts@db/shop", {"s3@cr3ts"}),  # not escaped, as it should be
        ("postgres://shop:s3%40cr3ts@db/shop", {"s3%40cr3ts", "s3@cr3ts"}),  # a program may say either
        ("amqp://a:first-one@h1/,amqp://b:second-one@h2/", {"first-one", "second-one"}),
        ("jdbc:postgresql://db/shop?user=shop&password=s3cr3ts&ssl=true", {"s3cr3ts"}),
        ("Server=db;User Id=sa;Password=s3cr3ts;Encrypt=no", {"s3cr3ts"}),
        ("https://hook.example/?token=s3cr3ts", {"s3cr3ts"}),
    ],
)
def test_secrets_within_a_value(address: str, hidden: set[str]) -> None:
    assert secrets(model(SOMEWHERE=address)) == hidden


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("command", ["redis-server", "--requirepass", "s3cr3ts", "--port", "6379"]),
        ("command", ["keycloak", "--db-password=s3cr3ts"]),
        ("entrypoint", ["sh", "-c", "exec server --token s3cr3ts --verbose"]),
    ],
)
def test_options_are_secret_by_their_name(key: str, value: list[str]) -> None:
    assert secrets({"services": {"cache": {key: value}}}) == {"s3cr3ts"}


def test_options_of_a_volume_s_driver_hold_secrets() -> None:
    options = {"type": "cifs", "device": "//nas/x", "o": "addr=nas,username=u,password=s3cr3ts,rw"}
    hidden = secrets({"volumes": {"nas": {"driver_opts": options}, "data": None}})
    assert redact("volume create --opt o=addr=nas,username=u,password=s3cr3ts", hidden).endswith(f"={MARK}")
    assert redact("addr=nas,username=u", hidden) == "addr=nas,username=u"


def test_labels_are_secret_by_their_name() -> None:
    labels = {
        "traefik.http.middlewares.a.basicauth.users": "ann:$$apr1$$salt$$hash,bob:$$apr1$$pepper$$hash",
        "traefik.http.middlewares.a.headers.customrequestheaders.Authorization": "Basic c2VjcmV0",
        "traefik.http.routers.a.rule": "Host(`shop.example`)",
    }
    hidden = secrets({"services": {"web": {"labels": labels}}})
    shown = "error parsing BasicUser: ann:$apr1$salt$hash and Basic c2VjcmV0, bob:$apr1$pepper$hash"
    assert redact(shown, hidden) == f"error parsing BasicUser: {MARK} and {MARK}, {MARK}"
    assert redact("Host(`shop.example`)", hidden) == "Host(`shop.example`)"


def test_build_arguments_and_many_lines_are_secret_too() -> None:
    there = {"services": {"web": {"build": {"args": {"DEPLOY_KEY": "first line\nsecond line"}}}}}
    assert redact("a\nsecond line\n", secrets(there)) == f"a\n{MARK}\n"


def test_an_event_is_shown_without_them_and_else_as_it_is() -> None:
    hidden = secrets(model(PASSWORD="pa$$$$word"))
    event = StepFailed("wait", 1.5, "pa$$word", "", {"web": "log\npassword is pa$$word"})
    assert redact(event, hidden) == StepFailed("wait", 1.5, MARK, "", {"web": f"log\npassword is {MARK}"})
    assert redact(StepDone("wait", 1.5), hidden) == StepDone("wait", 1.5)


def test_the_beginning_of_a_secret_that_was_cut_off_is_taken_away_too() -> None:
    environment = {"BASIC_AUTH": "admin:a-long-hash", "CREDS": "s3cr3ts"}
    hidden = secrets({"services": {"web": {"environment": environment}}})
    assert redact(f"500: {{admin:a-lo{CUT_OFF}", hidden) == f"500: {{{MARK}{CUT_OFF}"
    assert redact("the user is admin", hidden) == "the user is admin"


def test_names_of_hitless_own_stay_what_they_are() -> None:
    hidden = secrets({"services": {"web": {"environment": {"DB_PASSWORD": "deploy"}}}})
    began = Began("deploy", "deploy", 7, "deploy@host")
    assert redact(began, hidden) == began
    failed = StepFailed("build deploy", 1.0, "deploy is wrong", logs={"deploy-1": "deploy"})
    assert redact(failed, hidden) == StepFailed(
        "build deploy", 1.0, f"{MARK} is wrong", logs={"deploy-1": MARK}
    )
