"""The name that Gunicorn loads: ``wsgi:app``."""

from app import app

__all__ = ["app"]
