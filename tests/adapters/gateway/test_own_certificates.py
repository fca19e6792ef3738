"""Certificates from files: what is wrong with a pair, and what the gateway keeps of one that is right."""

from __future__ import annotations

import yaml

from hitless.adapters.gateway.own_certificates import parse_header, read_pair, render_pair
from hitless.adapters.gateway.routing_file import is_whole
from tests.common.certificates import Authority

NOW = "2026-11-26T12:00:00.123+00:00"
CA = Authority("CA")


def wrong(chain: bytes, key: bytes) -> list[tuple[str, str]]:
    return [(one.path, one.message) for one in read_pair("shop", chain, key, NOW)[1]]


def test_a_pair_that_is_right() -> None:
    chain, key = CA.issue("shop.example", "*.shop.example")
    found, findings = read_pair("shop", chain + CA.certificate, key, NOW)
    assert findings == ()
    assert found
    assert (found.name, found.names, found.issuer) == ("shop", ("shop.example", "*.shop.example"), "CN=CA")
    assert found.is_valid(NOW)


def test_the_gateways_file_says_in_its_first_line_what_it_is_for_without_the_key() -> None:
    chain, key = CA.issue("shop.example")
    found, _ = read_pair("shop", chain, key, NOW)
    assert found
    text = render_pair(found, chain, key)
    first, _, body = text.partition("\n")
    assert parse_header(first) == found
    assert "PRIVATE KEY" not in first
    assert is_whole(text)
    [pair] = yaml.safe_load(body)["tls"]["certificates"]
    assert (pair["certFile"], pair["keyFile"]) == (chain.decode(), key.decode())


def test_a_first_line_that_cant_be_read_is_no_certificate() -> None:
    assert parse_header("# hitless") is None
    assert parse_header('# hitless 0 {"routing": {}}') is None


def test_all_that_is_wrong_is_said_at_once() -> None:
    assert [path for path, _ in wrong(b"no", b"no")] == ["certificate", "key"]


def test_a_key_of_another_certificate() -> None:
    (chain, _), (_, key) = CA.issue("shop.example"), CA.issue("shop.example")
    assert wrong(chain, key) == [("key", "is not the certificate's: the two don't belong together")]


def test_one_that_has_expired_and_one_without_a_name() -> None:
    chain, key = CA.issue("shop.example", ends="2026-11-25T00:00:00+00:00")
    [(path, message)] = wrong(chain, key)
    assert path == "certificate"
    assert "to 2026-11-25T00:00:00Z, and now it is 2026-11-26T12:00:00" in message
    chain, key = CA.issue()
    assert wrong(chain, key) == [("certificate", "has no host name (subjectAltName)")]


def test_a_chain_in_the_wrong_order() -> None:
    chain, key = CA.issue("shop.example")
    other = Authority("other")
    assert wrong(chain + other.certificate, key) == [
        ("certificate", "the chain is broken: CN=other did not issue CN=shop.example")
    ]
    # then the first one is the authority's, and the key another's
    assert len(wrong(CA.certificate + chain, key)) == 3
