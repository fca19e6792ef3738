"""The only code that touches Docker, Traefik, time or disk."""
