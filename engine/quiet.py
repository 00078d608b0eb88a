"""Keeps the model libraries off the network and out of the log; to be called before they load.

Three of them phone home or may try to: nncf and openvino (usage statistics through
`openvino_telemetry`) and huggingface_hub. All have a path for the case that the telemetry package
is not installed, so it is hidden from the importer; the hub is put into offline mode.
"""

from __future__ import annotations

import logging
import os
import sys
import warnings

WANTED_OFFLINE = os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")
"""Whether somebody had put the hub offline before we did."""


def silence() -> None:
    """Hide telemetry from the import system, put the hub offline, lower the libraries' voices."""
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment] # "import" now fails
    for name in ("HF_HUB_OFFLINE", "HF_HUB_DISABLE_TELEMETRY", "DO_NOT_TRACK"):
        os.environ[name] = "1"
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("DIFFUSERS_VERBOSITY", "error")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    for library in ("optimum", "nncf", "openvino", "torch", "torchao", "diffusers", "transformers"):
        logging.getLogger(library).setLevel(logging.ERROR)
        warnings.filterwarnings("ignore", module=rf"{library}(\.|$)")
    # Deprecations inside torch.jit surface with a frame of the library that called it.
    warnings.filterwarnings("ignore", category=DeprecationWarning, message=r".*torch\.jit.*")
    warnings.filterwarnings("ignore", category=DeprecationWarning, message=r".*[Ss]wig.*")
