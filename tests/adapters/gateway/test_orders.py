"""The route by which Traefik orders a certificate, what Traefik's log says of it, and what Traefik keeps."""

from __future__ import annotations

import json
from dataclasses import replace

from hitless.adapters.gateway.orders import Order, failures, order_document, without

# as Traefik 3.7.15 wrote it
LOG = (
    "\x1b[90m2026-11-26T23:29:45Z\x1b[0m \x1b[31mERR\x1b[0m "
    "\x1b[1mUnable to obtain ACME certificate for domains\x1b[0m "
    '\x1b[36merror=\x1b[0m\x1b[31m\x1b[1m"unable to generate:\\n[bad.example] acme: error: 403 :: '
    'urn:ietf:params:acme:error:unauthorized :: a \\"quoted\\" word\\n"\x1b[0m\x1b[0m '
    '\x1b[36mACME CA=\x1b[0mhttps://pebble:14000/dir \x1b[36mdomains=\x1b[0m["bad.example"] '
    "\x1b[36mproviderName=\x1b[0mhitless.acme \x1b[36mrouterName=\x1b[0morder-448eb80bc953@file\n"
)


def test_a_route_that_nobody_can_reach_orders_one_certificate() -> None:
    order = Order("12ab", ("shop.example", "www.shop.example"), "0", 60)
    [router] = json.loads(order_document(order))["http"]["routers"].values()
    assert router["entryPoints"] == ["traefik"]
    assert router["rule"].startswith("(ClientIP(`127.0.0.1/32`)")
    assert router["tls"]["certResolver"] == "hitless"
    assert router["tls"]["domains"] == [{"main": "shop.example", "sans": ["www.shop.example"]}]


def test_the_error_of_an_order_is_found_by_its_host_names() -> None:
    said = failures(LOG, ("other.example", "bad.example"))["448eb80bc953"]
    assert said.splitlines()[1].endswith('urn:ietf:params:acme:error:unauthorized :: a "quoted" word')
    assert failures(LOG, ("other.example",)) == {}
    assert failures("", ("bad.example",)) == {}


def test_an_error_that_go_quotes_as_json_does_not() -> None:
    line = r'ERR it error="a\x00b\nc" domains=["a.example"] routerName=order-1@file'
    assert failures(line, ("a.example",)) == {"1": "a\\x00b\nc"}


def test_an_order_that_comes_again_is_news_to_traefik() -> None:
    order = Order("12ab", ("shop.example",), "0", 60)
    assert order_document(order) != order_document(replace(order, times=2))


def test_one_certificate_is_left_out_and_the_account_stays() -> None:
    kept = {"domain": {"main": "a.example", "sans": ["b.example"]}, "certificate": "YQ==", "key": "Yg=="}
    gone = {"domain": {"main": "c.example"}, "certificate": "YQ==", "key": "Yg=="}
    storage = json.dumps({"hitless": {"Account": {"Email": "ann@example.org"}, "Certificates": [kept, gone]}})
    found = without(storage, [("c.example",), ("a.example",)])
    assert json.loads(found) == {"hitless": {"Account": {"Email": "ann@example.org"}, "Certificates": [kept]}}
    assert found.endswith("}")
