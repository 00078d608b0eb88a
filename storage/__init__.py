"""The facts: who asked for what, in which state, with which result, in SQLite and picture files."""
