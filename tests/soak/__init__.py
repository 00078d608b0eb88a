"""Hours in minutes: the real process, all three surfaces, restless people, trouble, and a verdict.

`python -m tests.soak --minutes 60 --seed 7` (or `make soak MINUTES=60`) prints a table and exits
with 1 when anything that was accepted got lost, doubled or left without a word.
"""
