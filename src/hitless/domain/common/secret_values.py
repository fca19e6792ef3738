"""The secrets in a Compose model: by the names of values, by their look, and by where they are. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from hitless.domain.common.foreign import Json
from hitless.domain.common.names import X_HITLESS as _EXTENSION
from hitless.domain.common.names import X_VALUE

# A shorter value is as often an ordinary word as a secret
_SHORTEST = 6
# From this length on, letters alone are no word
_LONGEST_WORD = 15
_DIGITS = 10
# The parts of a name: SECRET_KEY, secretKey, secret-key, APIKey
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_PARTS_OF_SECRETS = (
    "authorization bearer cred creds credential credentials dsn jwt key keys pass passcode passphrase passwd "
    "password passwords pepper pwd salt secret secrets signature token tokens"
)
_SECRET_PARTS = frozenset(_PARTS_OF_SECRETS.split())
# written as one word with another before or after it: apikey, dbpassword, accesstoken, requirepass
_SECRET_ENDS = re.compile(
    r"(api|access|account|secret|private|encryption|signing|app)keys?$|passw(or)?d|passphrase|secret|tokens?$"
    r"|credentials?|(?<!com)(?<!by)(?<!tres)pass$|basicauth",
)
# A key that is no secret: it is public, or names a place in a cache or a table
_PARTS_OF_OPEN_KEYS = "public prefix cache primary foreign sort partition site publishable"
_OPEN_KEYS = frozenset(_PARTS_OF_OPEN_KEYS.split())
# A name with one of these at its end holds something about the secret, and not the secret
_ENDS_ABOUT_SECRETS = (
    "alg algorithm aud audience days dir directory disable disabled enable enabled endpoint expire expires "
    "expiration expiry file filename header host hours iss issuer length lifetime method minutes mode name "
    "path policy port prefix rounds seconds strategy timeout ttl type uri url user username"
)
_ABOUT = frozenset(_ENDS_ABOUT_SECRETS.split())
_SECRET_PLACES = frozenset(["private", "secret", "webhook", "hook"])
# up to the last @ of the address: a password that was not escaped may have one itself
_USERINFO = re.compile(r"(?:://|^)[^/\s:@]*:([^/\s]+)@(?!sha256:)")
_TOKEN_AS_USER = re.compile(r"://([^/\s:@]{16,})@")
# ?password=…&…, Server=…;Password=…
_ASSIGNED = re.compile(r"(?:^|[?&;,\s])([\w.-]+)=(?=([^&;\s]+))")
# a line of a file, and within JSON
_LINE = re.compile(r"""^[ \t-]*["']?([\w.-]+)["']?[ \t]*[:=][ \t]*["']?([^\n"']+)""", re.M)
_JSON = re.compile(r'"([\w.-]+)"\s*:\s*"((?:[^"\\]|\\.)+)"')
_SCHEME = re.compile(r"\b(?:bearer|basic) +(?=\S*\d)([\w.~+/-]{8,}=*)", re.I)
# Whoever has such an address may write there: the path is the secret
_HOOK = re.compile(r"https?://(?:hooks\.[^/\s]+|[^/\s]+/api/webhooks)(/[^\s?#]+)")
_PATH = re.compile(r"https?://[^/\s]+(/\S{20,})")
_PEM = " PRIVATE KEY-----"
# Values that look like a secret: JSON Web Tokens (RFC 7519), and the prefixes of providers
_TOKENS = re.compile(
    r"eyJ[\w-]{8,}\.[\w-]+\.[\w-]*|gh[opsur]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{20,}|xox[a-z]-[\w-]{10,}"
    r"|(?:[rs]k|whsec)_(?:live_|test_)?[A-Za-z\d]{16,}|sk-[\w-]{20,}|AKIA[A-Z\d]{16}"
)
_OPTION = re.compile(r"--?([\w-]+)(?:=(.*))?", re.S)
_USERS = re.compile(r"auth.*\.(users|basic)$", re.I)
_WORDS = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class Secrets:
    """The secret values of models, by where to hide them.

    `anywhere`: whatever is around them. `alone`: only as whole words, because they may be parts of ordinary
    ones. `placed`: only where a secret is expected (`password=…`, `://user:…@`), because they are too short,
    or are names that the model itself shows.
    """

    anywhere: frozenset[str] = frozenset()
    alone: frozenset[str] = frozenset()
    placed: frozenset[str] = frozenset()

    @property
    def values(self) -> frozenset[str]:
        """All of them."""
        return self.anywhere | self.alone | self.placed


def secrets(*models: Json) -> Secrets:
    """The values in resolved Compose models that are secret by their name or look, or within others."""
    found = {one.strip() for model in models for one in _of_model(model)} - {""}
    names = {name for model in models for name in _names(model)}
    placed = frozenset(one for one in found if len(one) < _SHORTEST or _is_known(one, names))
    alone = frozenset(one for one in found - placed if _is_a_word(one))
    return Secrets(frozenset(found - placed - alone), alone, placed)


def is_secret(name: str) -> bool:
    """Whether a value of this name is a secret: of DB_PASSWORD it is, of PASSWORD_FILE and PUBLIC_KEY not."""
    parts = [part.lower() for part in _PARTS.findall(name)]
    if not parts:
        return False
    if parts[-1] in _ABOUT:
        return _is_of_address(name)
    if parts[-1] in ("key", "keys"):
        return not _OPEN_KEYS & {*parts}
    ends_with_key = {"key", "keys"}
    if any(part in _SECRET_PARTS - ends_with_key or _SECRET_ENDS.search(part) for part in parts):
        return True
    # a key and its number, or its id (AWS): ACCESS_KEY_ID, API_KEY_2
    together = "".join(parts)
    return bool(re.search(r"(access|api|secret|private|account|encryption|signing)key|basicauth", together))


def _is_of_address(name: str) -> bool:
    """Whether a value of this name is an address that nobody else may know: SLACK_WEBHOOK_URL."""
    parts = [part.lower() for part in _PARTS.findall(name)]
    return parts[-1:] in (["url"], ["uri"]) and bool(_SECRET_PLACES & {*parts})


def _of_model(model: Json) -> Iterator[str]:
    for service in (model.get("services") or {}).values():
        if isinstance(service, dict):
            yield from _of_service(service)
    for volume in (model.get("volumes") or {}).values():
        yield from _of_pairs((volume or {}).get("driver_opts"))
    for kind in ("configs", "secrets"):
        for key, one in (model.get(kind) or {}).items():
            yield from _of_pairs({key: (one or {}).get("content")})
            # the value of a secret is one, whatever its name is
            yield from _of_pairs({"secret" if kind == "secrets" else key: (one or {}).get(X_VALUE)})
    yield from _of_commands(model.get(_EXTENSION))


def _of_service(service: Json) -> Iterator[str]:
    build = service.get("build")
    build = build if isinstance(build, dict) else {"context": build}
    yield from _of_pairs(service.get("environment"))
    yield from _of_pairs(build.get("args"))
    yield from _of_pairs({"context": build.get("context")})
    yield from _of_pairs((service.get("logging") or {}).get("options"))
    for key, text in _pairs(service.get("labels")):
        if _USERS.search(key):
            yield from text.split(",")
        elif is_secret(key.rpartition(".")[2]):
            yield text
        yield from _within(text)
    for key in ("command", "entrypoint"):
        yield from _of_options(service.get(key))
    yield from _of_options((service.get("healthcheck") or {}).get("test"))
    yield from _of_commands(service.get(_EXTENSION))


def _of_commands(extension: Any) -> Iterator[str]:
    """The secrets in the commands of hooks, anywhere in `x-hitless`."""
    if isinstance(extension, dict):
        for value in extension.values():
            yield from _of_commands(value)
    elif isinstance(extension, list):
        yield from _of_options(extension)
        for value in extension:
            yield from _of_commands(value)


def _of_pairs(mapping: Any) -> Iterator[str]:
    for key, text in _pairs(mapping):
        yield from _within(text)
        if _is_of_address(key):
            yield from _PATH.findall(text)
        elif is_secret(key) or _PEM in text:
            # a log shows it line by line
            yield from (text, *text.splitlines())
        if "\n" in text:
            yield from _of_lines(text)


def _of_lines(text: str) -> Iterator[str]:
    """The secrets in the lines of a file."""
    for name, value in _LINE.findall(text):
        if is_secret(name):
            yield from (value, value.rstrip(" ,;"))


def _within(text: str) -> Iterator[str]:
    """The secrets within a value: a password of an address, or what a secret's name is assigned."""
    for password in _USERINFO.findall(text):
        yield from (password, unquote(password))
    yield from _TOKEN_AS_USER.findall(text)
    for name, value in _ASSIGNED.findall(text):
        if is_secret(name):
            yield from (value, value.partition(",")[0])
    for name, value in _JSON.findall(text):
        if is_secret(name):
            yield value
    yield from _SCHEME.findall(text)
    yield from _HOOK.findall(text)
    yield from _TOKENS.findall(text)


def _of_options(command: Any) -> Iterator[str]:
    """What a command line gives to options with a secret's name, and what is assigned in it."""
    if not isinstance(command, list):
        return
    # a text for the shell is words, too
    lines = [list(map(str, command)), *(str(word).split() for word in command)]
    for words in lines:
        for word, following in zip(words, (*words, "")[1:], strict=True):
            match = _OPTION.fullmatch(word.replace("$$", "$"))
            if match and is_secret(match[1]):
                yield match[2] or following.replace("$$", "$")
    for word in command:
        yield from _within(str(word).replace("$$", "$"))


def _pairs(mapping: Any) -> Iterator[tuple[str, str]]:
    """The pairs of a mapping as texts; a Compose model writes a literal $ as $$."""
    if isinstance(mapping, dict):
        for key, value in mapping.items():
            if value is not None:
                yield str(key), str(value).replace("$$", "$")


def _names(model: Json) -> Iterator[str]:
    """The names that a model shows, and their words, in lower case: they give no secret away."""
    services: Mapping[str, Any] = model.get("services") or {}
    shown = [str(model.get("name") or "")]
    for kind in ("services", "networks", "volumes", "configs", "secrets"):
        shown += map(str, model.get(kind) or ())
    for service in services.values():
        if isinstance(service, dict):
            shown += [str(service.get(key) or "") for key in ("image", "container_name", "hostname")]
            shown += [key for kind in ("labels", "environment") for key, _ in _pairs(service.get(kind))]
    for name in shown:
        yield name.lower()
        yield from _WORDS.findall(name.lower())


def _is_known(value: str, names: set[str]) -> bool:
    """Whether a value is a name in the model itself, or a word for a secret: hiding it would hide nothing."""
    return value.lower() in names or value.lower() in _SECRET_PARTS


def _is_a_word(value: str) -> bool:
    """Whether a value could be part of an ordinary word or number: letters of one case, or few digits."""
    if value.isdecimal():
        return len(value) < _DIGITS
    is_plain = value.isalpha() and (value[1:].islower() or value.isupper())
    return is_plain and len(value) <= _LONGEST_WORD
