"""Owns the command line that makes the upscalers: `python -m engine.upscalers crops|train|…`."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from engine.upscalers.degrade import NAMES


def main() -> None:
    """Run one stage; stages that train go on from their last checkpoint."""
    parser = argparse.ArgumentParser(prog="python -m engine.upscalers", description=__doc__)
    parser.add_argument("--scratch", type=Path, default=Path("scratch/upscalers"))
    stages = parser.add_subparsers(dest="stage", required=True)
    stage = stages.add_parser("crops", help="draw pictures and keep crops of them")
    stage.add_argument("--last", type=int, default=15)
    stage.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    stage = stages.add_parser("soft", help="crops as soft as the starter paints")
    stage.add_argument("--last", type=int, default=7)
    stage = stages.add_parser("train", help="train one network, on one core")
    stage.add_argument("name", choices=NAMES)
    stage.add_argument("scale", type=int, choices=(2, 4))
    stage.add_argument("--minutes", type=float, default=35)
    stage.add_argument("--start", type=Path, help="checkpoint to begin with, of either scale")
    stage = stages.add_parser("export", help="write the networks' folders from the checkpoints")
    stage.add_argument("names", nargs="*", default=list(NAMES))
    stages.add_parser("thaw", help="make checkpoints from the shipped weights, to train on")
    stage = stages.add_parser("judge", help="print how well the shipped networks enlarge")
    stage.add_argument("--count", type=int, default=24)
    given = parser.parse_args()
    scratch: Path = given.scratch
    if given.stage == "crops":
        from engine.upscalers.data import write_crops

        write_crops(scratch / "crops", given.last, given.workers)
    elif given.stage == "soft":
        from engine.upscalers.softness import write_soft

        write_soft(scratch / "soft", given.last)
    elif given.stage == "train":
        from engine.upscalers import train

        train.train(scratch, given.name, given.scale, minutes=given.minutes, start=given.start)
    elif given.stage == "export":
        from engine.upscalers import export

        export.from_checkpoints(scratch, given.names)
    elif given.stage == "thaw":
        from engine.upscalers import export

        export.thaw(scratch)
    elif given.stage == "judge":
        from engine.upscalers import judge

        print(judge.report(given.count))


if __name__ == "__main__":
    main()
