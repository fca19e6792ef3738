"""Secrets of a Compose model in what is shown and written down."""

from __future__ import annotations

import re
from typing import ClassVar

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hitless.domain.common.events import Began, Operation, StepDone, StepFailed, StepId, StepKind
from hitless.domain.common.redact import CUT_OFF, MARK, redact, secrets
from tests.domain.builders import examples


def job(name: str) -> StepId:
    """A step that is shown as `run <name>`."""
    return StepId(StepKind.RUN_JOB, subjects=(name,))


def found(there: dict[str, object]) -> frozenset[str]:
    return secrets(there).values


def model(**environment: object) -> dict[str, object]:
    return {"services": {"web": {"environment": environment}}}


SECRETS = """
PASSWORD db_passwd DB_PASS PGPASSWORD MYSQL_PWD requirepass ADMIN_PASSPHRASE BASIC_AUTH CREDS DB_CREDENTIALS
API_TOKEN authToken ACCESSTOKEN SECRET_KEY SECRET_KEY_BASE NEXTAUTH_SECRET SECRET_ID STRIPE_API_KEY apikey
APPKEY AccountKey SharedAccessKey SharedAccessSignature AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY API_KEY_2
SSH_PRIVATE_KEY SENTRY_DSN JWT JWT_ACCESS JWT_SECRET BEARER API_BEARER AUTH_SALT SALT PASSWORD_SALT PEPPER
WEBHOOK_SECRET Authorization splunk-token
"""
OTHERS = """
MODE KEYBOARD MONKEY PASSENGER_APP_ENV COMPASS BYPASS_CACHE SALTSTACK_MASTER SALT_ROUNDS JWT_ALGORITHM
JWT_EXPIRE_MINUTES JWT_ISSUER JWT_AUDIENCE OIDC_TOKEN_URI TOKEN_URL PASSWORD_FILE SECRETS_DIR CREDENTIALS_PATH
TOKEN_TTL PASSWORD_MIN_LENGTH PASSWORD_POLICY SECRET_NAME PUBLIC_KEY STRIPE_PUBLISHABLE_KEY
CACHE_REDIS_PREFIX_KEY AUTH_URL AUTHOR WEBHOOK_URL AUTH_ENABLED DB_USER CREDENTIALS_ENABLED
API_KEY_HEADER TOKENIZER
"""


@pytest.mark.parametrize("key", SECRETS.split())
def test_a_value_is_secret_by_its_name(key: str) -> None:
    assert found(model(**{key: "hunter2hunter2"})) == {"hunter2hunter2"}


@pytest.mark.parametrize("key", OTHERS.split())
def test_a_value_is_none_by_its_name(key: str) -> None:
    assert found(model(**{key: "production-1"})) == frozenset()


@pytest.mark.parametrize(
    ("value", "hidden"),
    [
        ("https://hooks.slack.com/services/T0000/B0000/a1b2c3d4e5f6", "/services/T0000/B0000/a1b2c3d4e5f6"),
        ("https://discord.com/api/webhooks/1234/abcDEF_-56", "/1234/abcDEF_-56"),
        ("https://chat.example/?token=s3cr3ts", "s3cr3ts"),
        ("DefaultEndpointsProtocol=https;AccountName=a;AccountKey=c2VjcmV0cw==;Suffix=x", "c2VjcmV0cw=="),
        ("dummy:s3cr3ts@db:5432/shop", "s3cr3ts"),
        ("https://0123456789abcdef0123@git.example/shop.git", "0123456789abcdef0123"),
        ("Bearer c2VjcmV0cw1", "c2VjcmV0cw1"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln"),
        ("ghp_0123456789abcdefghij", "ghp_0123456789abcdefghij"),
        ('{"user": "ann", "db": {"password": "s3cr3ts"}}', "s3cr3ts"),
        ("user: ann\npassword: 's3cr3ts'\n", "s3cr3ts"),
    ],
)
def test_a_value_is_secret_or_holds_one_by_its_look(value: str, hidden: str) -> None:
    assert found(model(SOMEWHERE=value)) == {hidden}


@pytest.mark.parametrize(
    "value",
    [
        "https://shop.example/services/and/more/of/them",
        "Basic authentication with Bearer tokens",
        "redis:7-alpine@sha256:0123456789abcdef",
        "max-age=15768000; includeSubDomains",
        "git@github.com:shop/shop.git",
        "%d{yyyy-MM-dd HH:mm:ss} [%thread] %-5level",
    ],
)
def test_a_value_is_none_by_its_look(value: str) -> None:
    assert found(model(SOMEWHERE=value)) == frozenset()


def test_the_path_of_a_web_hook_is_secret_by_its_name_and_the_host_is_not() -> None:
    hidden = secrets(model(ALERTS_WEBHOOK_URL="https://chat.example/hooks/0123456789abcdefghij"))
    shown = redact("POST https://chat.example/hooks/0123456789abcdefghij: 404", hidden)
    assert shown == f"POST https://chat.example{MARK}: 404"


def test_a_secret_from_the_environment_is_one_whatever_its_name_is() -> None:
    one = {"environment": "WORDS", "x-hitless-value": "s3cret$$word"}
    other = {**one, "x-hitless-value": "0pen word"}
    hidden = secrets({"secrets": {"words": one}, "configs": {"words": other}})
    assert redact("s3cret$word, 0pen word", hidden) == f"{MARK}, 0pen word"


def test_the_content_of_a_config_holds_secrets() -> None:
    content = "[db]\nuser = ann\npassword = s3cr3ts\n\n[smtp]\nauth_token: t0ken-of-mail\n"
    there: dict[str, object] = {"configs": {"app": {"content": content}, "x": {"file": "./x"}}}
    assert found(there) == {"s3cr3ts", "t0ken-of-mail"}
    assert found({"configs": {"api_token": {"content": "first\nsecond"}}}) == {
        "first\nsecond",
        "first",
        "second",
    }


def test_hooks_health_checks_and_loggers_hold_secrets() -> None:
    hook = {"hooks": [{"when": "before_cutover", "command": ["curl", "--token", "t0ken-of-a-hook"]}]}
    service = {
        "healthcheck": {"test": ["CMD-SHELL", "MYSQL_PWD=s3cr3ts mysqladmin ping"]},
        "logging": {"options": {"splunk-token": "t0ken-of-a-logger", "tag": "shop"}},
    }
    there: dict[str, object] = {"services": {"db": service}, "x-hitless": hook}
    assert found(there) == {"s3cr3ts", "t0ken-of-a-logger", "t0ken-of-a-hook"}


class TestOrdinaryWords:
    """A password that is a name of the model's own, a word, or too short to be looked for everywhere."""

    THERE: ClassVar[dict[str, object]] = {
        "name": "shop",
        "services": {
            "freshrss": {"image": "freshrss/freshrss:1", "environment": {"DB_PASSWORD": "freshrss"}},
            "db": {
                "image": "postgres:16-alpine",
                "environment": {
                    "POSTGRES_PASSWORD": "postgres",
                    "ADMIN_PASSWORD": "secret",
                    "PIN_TOKEN": "abc",
                    "CACHE_PASSWORD": "minioadmin",
                    "OTHER_PASSWORD": "aB3c-d",
                },
            },
        },
    }
    HIDDEN = secrets(THERE)

    @pytest.mark.parametrize(
        "text",
        [
            "services.freshrss.labels",
            "shop-blue-freshrss-1 ended with exit code 1",
            "pull postgres:16-alpine",
            "the secret is missing; the password of postgres is wrong",
            "abc, and abcabc",
            "bucket minioadmins, xminioadmin, minioadmin2",
        ],
    )
    def test_are_not_eaten_out_of_a_text(self, text: str) -> None:
        assert redact(text, self.HIDDEN) == text

    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            ("postgres://freshrss:freshrss@db/x", f"postgres://freshrss:{MARK}@db/x"),
            ("host=db password=postgres user=postgres", f"host=db password={MARK} user=postgres"),
            ('{"user": "postgres", "password": "postgres"}', f'{{"user": "postgres", "password": "{MARK}"}}'),
            ("server --pin-token abc --name abc", f"server --pin-token {MARK} --name abc"),
            ("ADMIN_PASSWORD: secret", f"ADMIN_PASSWORD: {MARK}"),
            ("login with minioadmin", f"login with {MARK}"),
            ("u_minioadmin_x", f"u_{MARK}_x"),
            ("xxaB3c-dyy", f"xx{MARK}yy"),
        ],
    )
    def test_are_hidden_where_a_secret_is_due(self, text: str, shown: str) -> None:
        assert redact(text, self.HIDDEN) == shown


ORDINARY = st.from_regex(r"[a-z]{6,15}|[A-Z][a-z]{5,14}|[0-9]{6,9}", fullmatch=True)
STRONG = st.text(st.sampled_from("abcXYZ019-_.$!@:/ ü"), min_size=6, max_size=40).filter(
    lambda text: text == text.strip() and not re.fullmatch("[^\\W_]+|\\W+", text) and "$$" not in text
)
AROUND = st.text(st.sampled_from("abcXYZ019-_.$!@:/ =\n\"'…ü"), max_size=12)


@examples(300)
@given(STRONG | st.text(st.sampled_from("aZ09"), min_size=16), AROUND, AROUND, st.booleans())
def test_no_secret_is_in_an_event_or_an_error_whatever_is_around_it(
    value: str, before: str, after: str, is_of_label: bool
) -> None:
    key = "environment" if not is_of_label else "labels"
    there = {"services": {"web": {key: {"A_PASSWORD": value}, "image": "shop:1"}}}
    event = StepFailed(job("wait"), 1.0, before + value + after, before + value, {"web": f"{value}{after}"})
    shown = redact(event, secrets(there))
    assert value not in shown.message and value not in shown.hint and value not in shown.logs["web"]


@examples(200)
@given(ORDINARY, st.sampled_from(["", " ", "_", "'", "/", "\n", ": ", "="]), AROUND, AROUND)
def test_a_word_that_is_a_secret_is_hidden_where_it_stands_alone(
    value: str, border: str, before: str, after: str
) -> None:
    assume(value not in ("secret", "passwd", "bearer", "tokens", "pepper", "creds", "signature"))
    text = f"{before}{border or ' '}{value}{border or ' '}{after}"
    assert f"{border or ' '}{value}{border or ' '}" not in redact(text, secrets(model(A_PASSWORD=value)))


def test_the_password_in_an_address_is_secret_and_the_address_is_not() -> None:
    hidden = secrets(model(DATABASE_URL="postgres://shop:s3cr3t!@db:5432/shop"))
    assert hidden.values == {"s3cr3t!"}
    shown = redact("can't reach postgres://shop:s3cr3t!@db:5432/shop", hidden)
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
    assert found(model(SOMEWHERE=address)) == hidden


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("command", ["redis-server", "--requirepass", "s3cr3ts", "--port", "6379"]),
        ("command", ["keycloak", "--db-password=s3cr3ts"]),
        ("entrypoint", ["sh", "-c", "exec server --token s3cr3ts --verbose"]),
    ],
)
def test_options_are_secret_by_their_name(key: str, value: list[str]) -> None:
    assert found({"services": {"cache": {key: value}}}) == {"s3cr3ts"}


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
    event = StepFailed(job("wait"), 1.5, "pa$$word", "", {"web": "log\npassword is pa$$word"})
    assert redact(event, hidden) == StepFailed(
        job("wait"), 1.5, MARK, "", {"web": f"log\npassword is {MARK}"}
    )
    assert redact(StepDone(job("wait"), 1.5), hidden) == StepDone(job("wait"), 1.5)


def test_the_beginning_of_a_secret_that_was_cut_off_is_hidden_too() -> None:
    environment = {"BASIC_AUTH": "admin:a-long-hash", "CREDS": "s3cr3ts"}
    hidden = secrets({"services": {"web": {"environment": environment}}})
    assert redact(f"500: {{admin:a-lo{CUT_OFF}", hidden) == f"500: {{{MARK}{CUT_OFF}"
    assert redact("the user is admin", hidden) == "the user is admin"


def test_names_of_hitless_own_stay_what_they_are() -> None:
    hidden = secrets({"services": {"web": {"environment": {"DB_PASSWORD": "deploy"}}}})
    began = Began(Operation.DEPLOY, "deploy", 7, "deploy@host")
    assert redact(began, hidden) == began
    failed = StepFailed(job("build deploy"), 1.0, "deploy is wrong", logs={"deploy-1": "deploy"})
    assert redact(failed, hidden) == StepFailed(
        job("build deploy"), 1.0, f"{MARK} is wrong", logs={"deploy-1": MARK}
    )
