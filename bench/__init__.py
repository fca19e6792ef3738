"""Tools that measure a deployment from outside: what a client would have noticed."""
