"""The command line: one verb, one file; it parses, calls one operation, and shows what comes of it."""
