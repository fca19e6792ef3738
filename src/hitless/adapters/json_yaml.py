"""JSON that every reader of YAML reads in the same way: quotes leave nothing to guess."""

from __future__ import annotations

import json
import re
from typing import Any

# What YAML reads as a line break, or not at all, in a text that JSON would leave as it is.
_SPECIAL = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def dump(model: Any, indent: int | None = None) -> str:
    """The model as JSON that is YAML as well.

    YAML has no surrogate pairs, as JSON has, so characters beyond those are written as they are.
    """
    text = json.dumps(model, ensure_ascii=False, indent=indent)
    return _SPECIAL.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
