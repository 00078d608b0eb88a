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
    stage.add_argument("--decoder-only", action="store_true")
    stage = stages.add_parser("latents", help="compute and keep the pictures' latents")
    stage = stages.add_parser("train", help="train text encoder and denoiser")
    stage.add_argument("--minutes", type=float, default=55)
    stage.add_argument("--batch", type=int, default=32)
    stage = stages.add_parser("distil", help="teach the denoiser to paint in few steps")
    stage.add_argument("--minutes", type=float, default=60)
    stage.add_argument("--batch", type=int, default=16)
    stage = stages.add_parser("probe", help="train the probe that judges")
    stage.add_argument("--minutes", type=float, default=4)
    stage.add_argument("--count", type=int, default=8000)
    stages.add_parser("export", help="write the model folder from the checkpoints")
    stages.add_parser("thaw", help="make checkpoints from the shipped weights, to train on")
    stage = stages.add_parser("judge", help="print how well the shipped model obeys")
    stage.add_argument("--count", type=int, default=1000)
    stage.add_argument("--sheet", type=Path, help="draw 16 pictures and what they come closest to")
    stage = stages.add_parser("contact", help="paint the sixteen pictures of the README")
    stage.add_argument("path", type=Path, nargs="?", default=Path(__file__).parent / "pictures.png")
    given = parser.parse_args()
    scratch: Path = given.scratch
    if given.stage == "render":
        from engine.starter.pictures import render_shards

        render_shards(scratch / "pictures", given.first, given.last, given.workers)
        return
    import torch

    torch.set_num_threads(1 if given.stage in ("autoencoder", "train", "distil") else given.threads)
    if given.stage == "autoencoder":
        from engine.starter import autoencoder

        autoencoder.train(
            scratch / "pictures",
            scratch / "autoencoder.pt",
            minutes=given.minutes,
            cores=given.threads,
            decoder_only=given.decoder_only,
        )
    elif given.stage == "latents":
        from engine.starter import latents

        latents.write_latents(scratch / "pictures", scratch / "autoencoder.pt", scratch / "latents")
    elif given.stage == "train":
        from engine.starter import denoiser

        denoiser.train(
            scratch / "pictures",
            scratch / "latents",
            scratch / "denoiser.pt",
            minutes=given.minutes,
            cores=given.threads,
            batch=given.batch,
        )
    elif given.stage == "distil":
        from engine.starter import distilling

        distilling.distil(
            scratch / "pictures",
            scratch / "latents",
            scratch / "denoiser.pt",
            scratch / "few_steps.pt",
            minutes=given.minutes,
            cores=given.threads,
            batch=given.batch,
        )
    elif given.stage == "probe":
        from engine.starter import probe

        probe.train(
            scratch / "probe.safetensors",
            count=given.count,
            minutes=given.minutes,
            workers=given.threads,
        )
    elif given.stage == "export":
        from engine.starter import export

        export.from_checkpoints(scratch)
    elif given.stage == "thaw":
        from engine.starter import export

        export.thaw(scratch)
    elif given.stage == "contact":
        from engine.starter import report

        report.contact(given.path)
    elif given.stage == "judge":
        from engine.starter import report

        if given.sheet is not None:
            report.sheet(given.sheet)
        print(report.table(given.count))


if __name__ == "__main__":
    main()
