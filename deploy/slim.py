"""Makes an installed Atelier small: leaves out what its libraries ship and painting never opens.

Runs inside the virtual environment of the image, after everything is installed; with `--list` it
only says what it would remove. Bytecode is written for what is really imported, since on a
read-only file system nobody can write it later. tests/test_deploy.py watches a painting and a
running server, and fails when they open anything that stands here.
"""

from __future__ import annotations

import os
import py_compile
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

BYTECODE = "**/__pycache__"
LEFT_OUT = {
    "torch/test": "torch's own tests, compiled",
    "torch/bin/test_*": "torch's own tests, compiled",
    "torch/bin/protoc*": "a compiler of protocol buffers",
    "torch/include": "headers for building extensions",
    "torch/share": "files for building extensions",
    "torch/lib/lib*_test.so": "torch's own tests",
    "torch/lib/libbackend_with_compiler.so": "torch's own tests",
    "torch/lib/libaoti_custom_ops.so": "torch's own tests",
    "openvino/include": "headers for building extensions",
    "openvino/cmake": "files for building extensions",
    "openvino/libs/libopenvino_intel_gpu_plugin.so": "graphics cards",
    "openvino/libs/libopenvino_intel_npu_*": "neural processors",
    "openvino/libs/cache.json": "kernels of graphics cards",
    "openvino/libs/libopenvino_paddle_frontend.so*": "another library's model format",
    "openvino/libs/libopenvino_tensorflow_lite_frontend.so*": "another library's model format",
    "openvino/libs/libopenvino_gguf_frontend.so*": "another library's model format",
    "*/tests": "the libraries' own tests",
    "scipy/**/tests": "scipy's own tests",
    "sympy/**/tests": "sympy's own tests",
    "sklearn/**/tests": "scikit-learn's own tests",
    "sklearn/datasets/data": "its example data",
    "sklearn/datasets/images": "its example data",
    "networkx/**/tests": "networkx's own tests",
    "numpy/**/tests": "numpy's own tests",
    "joblib/test": "joblib's own tests",
    BYTECODE: "what is needed of it is written anew",
    "**/*.pyi": "annotations for type checkers",
    "**/*.pyx": "sources of compiled modules",
    "**/*.pxd": "sources of compiled modules",
    "**/*.a": "libraries for linking",
    "openvino_telemetry": "usage statistics, which we hide from the importer anyway",
    "setuptools": "installing",
    "setuptools-*.dist-info": "installing",
    "_distutils_hack": "installing",
    "distutils-precedence.pth": "installing",
    "pip": "installing",
    "pip-*.dist-info": "installing",
}
"""Patterns below site-packages, each with what it is for."""

USED = """
import sys, tempfile, pathlib
from bot.cli import main
import bot.serve, bot.health, bot.doctor, bot.on_discord.bot, bot.on_telegram.bot
with tempfile.TemporaryDirectory() as folder:
    asked = ["paint", "a lighthouse", "--steps", "2", "--upscale", "2"]
    code = main([*asked, "-o", folder + "/out.png"])
files = {getattr(module, "__file__", None) or "" for module in list(sys.modules.values())}
pathlib.Path(sys.argv[1]).write_text("\\n".join(sorted(files)))
sys.exit(code)
"""
"""A painting in a process of its own, which writes down the modules it has loaded."""


def packages() -> Path:
    """The folder that everything is installed into."""
    return Path(sysconfig.get_paths()["purelib"])


def left_out(folder: Path) -> dict[str, list[Path]]:
    """What is there for each pattern, without what a wider pattern holds already."""
    return {pattern: sorted(folder.glob(pattern)) for pattern in LEFT_OUT}


def size(path: Path) -> int:
    """Bytes of a file, or of everything in a folder."""
    if path.is_dir() and not path.is_symlink():
        return sum(size(each) for each in path.iterdir())
    return path.lstat().st_size


def remove(folder: Path) -> int:
    """Remove it all; returns how many bytes that were."""
    freed = 0
    for paths in left_out(folder).values():
        for path in paths:
            if not path.exists():
                continue  # inside something that went before
            freed += size(path)
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
    return freed


def compile_used(scratch: Path) -> int:
    """Write the bytecode of every module that painting and serving load; returns how many."""
    listing = scratch / "modules"
    environment = os.environ | {"ATELIER_DATA": str(scratch), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", USED, str(listing)]
    subprocess.run(command, check=True, env=environment, cwd=scratch)  # noqa: S603 - our own
    unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
    names = listing.read_text("utf-8").splitlines()
    files = [name for name in names if name.startswith("/") and name.endswith(".py")]
    for file in files:
        py_compile.compile(file, doraise=True, invalidation_mode=unchecked)
    return len(files)


def main() -> int:
    """Do both and say what came of it."""
    import tempfile

    folder = packages()
    if "--list" in sys.argv[1:]:
        for pattern, paths in left_out(folder).items():
            megabytes = sum(map(size, paths)) / 1e6
            print(f"{megabytes:8.1f} MB  {pattern}: {LEFT_OUT[pattern]}")
        return 0
    before = size(folder)
    freed = remove(folder)
    with tempfile.TemporaryDirectory() as scratch:
        modules = compile_used(Path(scratch))
    print(
        f"installed {before / 1e6:.0f} MB, left out {freed / 1e6:.0f} MB, "
        f"bytecode of {modules} modules, now {size(folder) / 1e6:.0f} MB"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
