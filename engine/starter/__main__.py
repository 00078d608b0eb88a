"""Owns the command line that makes the starter: `python -m engine.starter render|autoencoder|…`."""

from __future__ import annotations

import argparse
import os
from pathlib import Path


def main() -> None:
    """Run one stage; stages that train go on from their last checkpoint."""
    parser = argparse.ArgumentParser(prog="python -m engine.starter", description=__doc__)
    parser.add_argument("--scratch", type=Path, default=Path("scratch/starter"))
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    stages = parser.add_subparsers(dest="stage", required=True)
    stage = stages.add_parser("render", help="render the training pictures")
    stage.add_argument("--first", type=int, default=0)
    stage.add_argument("--last", type=int, default=39)
    stage.add_argument("--workers", type=int, default=2)
    stage = stages.add_parser("autoencoder", help="train the autoencoder")
    stage.add_argument("--minutes", type=float, default=25)
    stage.add_argument("--peak", type=float, default=2e-3)
    stage.add_argument("--decoder-only", action="store_true")
    given = parser.parse_args()
    scratch: Path = given.scratch
    if given.stage == "render":
        from engine.starter.pictures import render_shards

        render_shards(scratch / "pictures", given.first, given.last, given.workers)
        return
    import torch

    torch.set_num_threads(given.threads)
    if given.stage == "autoencoder":
        from engine.starter import autoencoder

        autoencoder.train(
            scratch / "pictures",
            scratch / "autoencoder.pt",
            minutes=given.minutes,
            peak=given.peak,
            decoder_only=given.decoder_only,
        )


if __name__ == "__main__":
    main()
