"""Moments for people: by the clock of the machine where they read."""

from __future__ import annotations

from datetime import datetime


def local(moment: str) -> str:
    """An ISO time as `2026-11-28 03:17:36` by the clock here; a text of another form as it is."""
    try:
        return f"{datetime.fromisoformat(moment).astimezone():%Y-%m-%d %H:%M:%S}"
    except ValueError:
        return moment
