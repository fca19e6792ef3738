"""Deploys Docker Compose applications with zero downtime, and can prove it."""

__version__ = "0.1.0"
