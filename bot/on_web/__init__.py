"""The page on port 7860 and the HTTP API behind it."""
