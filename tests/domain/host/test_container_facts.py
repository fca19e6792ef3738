"""Who listens in a container, by the kernel's tables."""

from __future__ import annotations

from hitless.domain.host.container_facts import Listener, listeners

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"


def table(*lines: str) -> str:
    return HEAD + "".join(f"   {number}: {line} 00000000:00000000\n" for number, line in enumerate(lines))


def test_a_server_on_every_address_or_on_its_own_alone() -> None:
    found = listeners(table("00000000:1F40 00000000:0000 0A", "0100007F:1F41 00000000:0000 0A"))
    assert found == (Listener(8000, False), Listener(8001, True))


def test_a_connection_is_no_server_and_the_engines_names_are_none_either() -> None:
    assert listeners(table("0301D50A:1F40 0201D50A:C350 01", "0B00007F:8D2F 00000000:0000 0A")) == ()


def test_ipv6_and_ipv4_in_it() -> None:
    every = "0" * 32
    own = "0" * 24 + "01000000"
    mapped = "0000000000000000FFFF00000100007F"
    found = listeners(
        table(*(f"{one}:{port} {every}:0000 0A" for one, port in ((every, "0050"), (own, "0051"))))
    )
    assert found == (Listener(80, False), Listener(81, True))
    assert listeners(table(f"{mapped}:0050 {every}:0000 0A")) == (Listener(80, True),)


def test_one_port_on_both_kinds_of_address_is_reached() -> None:
    found = listeners(table("0100007F:1F40 00000000:0000 0A", "0301D50A:1F40 00000000:0000 0A"))
    assert found == (Listener(8000, False),)


def test_what_is_no_table_has_no_listeners() -> None:
    assert listeners("cat: can't open '/proc/net/tcp6'\n\n0: x\n") == ()
