"""How values are drawn for people, and as JSON for programs."""
