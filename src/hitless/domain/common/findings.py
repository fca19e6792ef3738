"""What is wrong with the input, or weakens the promise."""

from __future__ import annotations

from dataclasses import dataclass

from hitless.domain.common.foreign import foreign


@dataclass(frozen=True)
class Finding:
    """Something in the input that breaks the promise (an error) or weakens it (a warning).

    `path` is where, e.g. `services.app.ports`; `hint` is what to do about it.
    """

    path: str
    message: str = foreign()
    hint: str = foreign("")
    is_error: bool = True
