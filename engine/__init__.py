"""The engine: a request in, pictures out; it knows nobody and stores nothing.

Whoever imports anything of it has silenced the model libraries first: see `engine.quiet`.
"""

from engine.quiet import silence

silence()
