"""JSON that every reader of YAML takes for the same: quoting leaves nothing to guess."""

from __future__ import annotations

import json
import re
from typing import Any

# What YAML takes for a line break, or not at all, in a text that JSON would leave as it is.
_SPECIAL = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def dump(model: Any, indent: int | None = None) -> str:
    """The model as JSON that is YAML as well.

    JSON's surrogate pairs are no YAML, so what lies beyond is written as it is.
    """
    text = json.dumps(model, ensure_ascii=False, indent=indent)
    return _SPECIAL.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
