"""Makes an OpenVINO network of an image classifier that was published for transformers."""

from __future__ import annotations

import sys
from pathlib import Path


def export_classifier(source: Path, folder: Path) -> None:
    """Write the classifier in `source` to `folder`; loads the model libraries."""
    from engine.quiet import silence

    silence()
    from optimum.intel import OVModelForImageClassification

    model = OVModelForImageClassification.from_pretrained(
        source, export=True, compile=False, load_in_8bit=False, local_files_only=True
    )
    model.save_pretrained(folder)


if __name__ == "__main__":
    export_classifier(Path(sys.argv[1]), Path(sys.argv[2]))
