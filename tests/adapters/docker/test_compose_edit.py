"""What hitless says in a Compose file, and that it leaves every other character alone."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from hitless.adapters.docker.compose_edit import EditFailed, say
from tests.domain.builders import examples

X = "x-hitless"
SAID = {"web": {"publish": "gateway"}}


def said(text: str, services: Any = SAID) -> str:
    return say(text, services, X)


def read(text: str) -> Any:
    return yaml.safe_load(text)


def test_it_stands_right_below_the_name_of_the_service_and_nothing_else_changes() -> None:
    text = """\
# the shop
services:
  db: {image: postgres:15}   # kept

  web:   # the one that people see
    # never latest
    image:   'shop:1'
    ports:
    - "8000:8000"
"""
    assert said(text) == text.replace("people see\n", "people see\n    x-hitless: {publish: gateway}\n")


def test_a_service_that_the_file_does_not_name_is_added_to_the_others() -> None:
    text = "services:\n    db:\n        image: postgres:15\n"
    assert said(text) == (
        "services:\n    web:\n      x-hitless: {publish: gateway}\n    db:\n        image: postgres:15\n"
    )


@pytest.mark.parametrize("text", ["", "\n", "# mine\n", "# mine", "---\n"])
def test_an_empty_override_gets_its_first_lines(text: str) -> None:
    after = said(text)
    assert after.startswith(text)
    assert read(after) == {"services": {"web": {X: {"publish": "gateway"}}}}
    assert after.endswith("services:\n  web:\n    x-hitless: {publish: gateway}\n")


@pytest.mark.parametrize(
    "text", ["services:\n", "services: # none yet\n", "services: {}\n", "services: null"]
)
def test_a_key_without_a_value_gets_one(text: str) -> None:
    assert read(said(text)) == {"services": {"web": {X: {"publish": "gateway"}}}}


def test_a_file_without_services_gets_them_at_its_end() -> None:
    text = "# mine\nvolumes:\n  data:"
    assert said(text) == f"{text}\nservices:\n  web:\n    x-hitless: {{publish: gateway}}\n"


def test_the_ends_of_lines_stay_those_of_windows() -> None:
    text = "services:\r\n  web:\r\n    image: a # b\r\n"
    after = said(text)
    assert after == "services:\r\n  web:\r\n    x-hitless: {publish: gateway}\r\n    image: a # b\r\n"


def test_a_byte_order_mark_stays_the_first_character() -> None:
    assert said("\ufeffservices:\n  web:\n    image: a\n").startswith(
        "\ufeffservices:\n  web:\n    x-hitless"
    )


def test_a_mapping_on_one_line_stays_on_one_line() -> None:
    assert said("services: {web: {image: a}}\n") == (
        "services: {web: {x-hitless: {publish: gateway}, image: a}}\n"
    )


def test_what_x_hitless_says_already_stays_beside_it() -> None:
    text = """\
services:
  web:
    image: a
    x-hitless:
      timeout: 3m   # it is slow
      publish: none
"""
    assert said(text) == text.replace("publish: none", "publish: gateway")
    assert said(text, {"web": {"exclusive": True}}) == text.replace(
        "x-hitless:\n", "x-hitless:\n      exclusive: true\n"
    )


def test_x_hitless_on_one_line_gets_another_key() -> None:
    text = "services:\n  web:\n    image: a\n    x-hitless: {timeout: 3m}\n"
    assert said(text) == text.replace("{timeout", "{publish: gateway, timeout")


def test_an_alias_in_the_place_of_a_service_is_merged() -> None:
    text = "x-base: &base\n  image: a\nservices:\n  web: *base\n  other: *base\n"
    after = said(text)
    assert read(after)["services"] == {
        "web": {"image": "a", X: {"publish": "gateway"}},
        "other": {"image": "a"},
    }
    assert "web: {<<: *base, x-hitless: {publish: gateway}}\n" in after


def test_a_merge_key_stays_and_what_it_brings_is_not_written_to() -> None:
    text = "x-b: &b\n  x-hitless: {timeout: 3m}\nservices:\n  web:\n    <<: *b\n    image: a\n"
    after = said(text)
    assert after == text.replace("  web:\n", "  web:\n    x-hitless: {publish: gateway}\n")


def test_an_anchor_and_tags_of_compose_stay() -> None:
    text = "services:\n  web: &web\n    image: a\n    ports: !reset []\n"
    assert said(text) == text.replace("&web\n", "&web\n    x-hitless: {publish: gateway}\n")


def test_a_name_that_yaml_takes_for_something_else_is_quoted() -> None:
    after = said("services:\n  db:\n    image: a\n", {"on": {"role": "shared"}, "12": {"role": "shared"}})
    assert set(read(after)["services"]) == {"on", "12", "db"}


@pytest.mark.parametrize(
    "text",
    [
        "services: [web]\n",
        "services:\n  web: a\n",
        "services:\n\tweb:\n\t\timage: a\n",
        "services: {web: {",
        "a: 1\n---\nb: 2\n",
        "just words\n",
        "services:\n  web:\n    x-hitless: {publish: {a: b}}\n",
        "services:\n  web:\n    image: \x00\n",
    ],
)
def test_what_is_no_compose_file_is_refused(text: str) -> None:
    with pytest.raises(EditFailed):
        said(text)


NAMES = st.sampled_from(["web", "db", "on", "12", "a.b", "x_1", "null"])
KEYS = st.dictionaries(
    st.sampled_from(["publish", "role", "exclusive", "timeout"]),
    st.one_of(st.booleans(), st.sampled_from(["gateway", "shared", "3m", "yes", "2:30"])),
    min_size=1,
)
COMMENTS = st.sampled_from(["", "   # why", "\t# tab"])


@st.composite
def files(draw: Any) -> str:
    """Compose files in block and flow style, with comments, anchors, blank lines and both ends of lines."""
    indent = " " * draw(st.integers(1, 4))
    lines = draw(st.sampled_from([[], ["# top"], ["x-a: &a", f"{indent}labels: {{b: c}}"]]))
    lines = [*lines, f"services:{draw(COMMENTS)}"]
    for name in draw(st.lists(NAMES, unique=True, min_size=1)):
        lines += draw(st.sampled_from([[], [""], [f"{indent}# about {name}"]]))
        match draw(st.integers(0, 3)):
            case 0:
                lines.append(f"{indent}'{name}': {{image: a}}{draw(COMMENTS)}")
            case 1 if lines[0].startswith("x-a"):
                lines.append(f"{indent}'{name}': *a{draw(COMMENTS)}")
            case 2:
                own = f"{indent * 2}{X}: {draw(st.sampled_from(['{}', '{role: worker}', '']))}"
                lines += [f"{indent}'{name}':{draw(COMMENTS)}", f"{indent * 2}image: a", own]
            case _:
                lines += [f"{indent}'{name}':{draw(COMMENTS)}", f"{indent * 2}image: a{draw(COMMENTS)}"]
    lines += draw(st.sampled_from([[], ["volumes:", f"{indent}data:"], ["", "# end"]]))
    end: str = draw(st.sampled_from(["\n", "\r\n"]))
    last: str = draw(st.sampled_from(["", end]))
    return end.join(lines) + last


@examples(80)
@given(files(), st.dictionaries(NAMES, KEYS, min_size=1))
def test_the_file_says_what_it_said_and_the_answers_and_no_comment_is_lost(text: str, answers: Any) -> None:
    try:
        before = read(text)
    except yaml.YAMLError:
        assume(False)
    after = said(text, answers)
    expected = before
    for name, keys in answers.items():
        service = dict(expected["services"].get(name) or {})
        expected["services"][name] = {**service, X: {**(service.get(X) or {}), **keys}}
    assert read(after) == expected
    assert [line for line in text.split() if "#" in line] == [line for line in after.split() if "#" in line]
    position = -1
    for name in before["services"]:
        if f"'{name}':" in text:
            assert after.index(f"'{name}':") > position  # the order stays
            position = after.index(f"'{name}':")


@examples(80)
@given(files(), st.dictionaries(NAMES, KEYS, min_size=1))
def test_a_second_time_changes_nothing(text: str, answers: Any) -> None:
    try:
        read(text)
    except yaml.YAMLError:
        assume(False)
    after = said(text, answers)
    assert said(after, answers) == after
