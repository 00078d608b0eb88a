"""The command `atelier models`: its tasks, and how each says what went wrong."""

from __future__ import annotations

import argparse

from bot import models_bench, models_build, models_check, models_list, models_network, models_pull
from bot.models_told import told
from bot.settings import Settings

EXAMPLES = """examples:
  atelier models list
  atelier models pull lcm-dreamshaper
  atelier models pull somebody/some-openvino-model --name some
  atelier models build ~/Downloads/checkpoint.safetensors --name mine --int8
  atelier models pull realesr-general-x4v3
  atelier models add ~/Downloads/4x_something.pth --name something --licence MIT
  atelier models check
  atelier models bench
  atelier models remove something
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add them to the command line."""
    models = commands.add_parser(
        "models",
        help="list, fetch, build, try and remove models",
        description="Which models there are, and getting more: models that paint and networks "
        "that enlarge. They go to the folder `models` in ATELIER_DATA; a server that runs offers "
        "them after its next start.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    tasks = models.add_subparsers(dest="task", metavar="TASK", required=True)
    models_list.add(tasks)
    models_pull.add(tasks)
    models_build.add(tasks)
    models_network.add(tasks)
    remove = tasks.add_parser(
        "remove",
        help="delete what was fetched, built or added",
        description="Delete what was fetched, built or added, or what a pull left unfinished.",
    )
    remove.add_argument("names", nargs="+", metavar="NAME")
    remove.set_defaults(run=_remove)
    models_check.add(tasks)
    models_bench.add(tasks)


def _remove(settings: Settings, options: argparse.Namespace) -> int:
    def work() -> None:
        from engine.cards import NAME
        from engine.installing import remove
        from engine.pulling import clear, workspace

        for name in options.names:
            named = NAME.fullmatch(name) is not None
            if named and workspace(settings.models_folder, name).exists():
                clear(settings.models_folder, name)
                print(f"what was fetched of {name} is removed")
                if not (settings.models_folder / name).exists():
                    continue
            remove(name, settings.models_folder)
            print(f"{name} is removed")

    return told(work)
