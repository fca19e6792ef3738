"""The command line: one file for each verb; it parses, calls one operation, and shows the result."""
