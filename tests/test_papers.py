"""The papers are true: every setting, flag, command and dependency stands in the README."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

from bot.settings import SETTINGS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def settings_table() -> str:
    """The table of all settings as the README has it; `python -m tests.test_papers` prints it."""
    rows = ["| setting | default | meaning |", "|---|---|---|"]
    for each in SETTINGS:
        name = f"`{each.name}`" + (" (or `…_FILE`)" if each.secret else "")
        default = f"`{each.default}`" if each.default else ""
        rows.append(f"| {name} | {default} | {each.meaning} |")
    return "\n".join(rows)


def test_the_readme_lists_every_setting() -> None:
    """Name, default and meaning, exactly as the program has them."""
    listed = README.partition("<!-- settings -->")[2].partition("<!-- /settings -->")[0]
    assert listed.strip() == settings_table()


def test_every_dependency_earns_its_place() -> None:
    """Each is pinned to a range and has its line in the README."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for dependency in project["dependencies"]:
        name = re.split(r"[=<>~!\[]", dependency)[0]
        assert re.search(r"==.*\*|<", dependency), f"{dependency} has no upper bound"
        table = README.partition("## Why each dependency")[2].partition("## More")[0]
        assert name in table, name


def test_every_make_target_has_a_line_of_help() -> None:
    """`make help` is complete for what the README names."""
    shown = subprocess.run(
        ["make", "help"], cwd=ROOT, capture_output=True, encoding="utf-8", check=True
    )
    for target in set(re.findall(r"`make ([a-z-]+)", README)):
        assert f"make {target} " in shown.stdout, target


def test_help_has_examples_and_bad_use_is_one_line() -> None:
    """`--help` shows how; a mistake gives one line and exit code 2, never a traceback."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "bot", *arguments]
        return subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8")

    for arguments in (["--help"], ["paint", "--help"]):
        shown = run(*arguments)
        assert shown.returncode == 0
        assert "examples:" in shown.stdout
    assert run("--version").stdout.startswith("atelier ")
    for arguments in (
        ["paint", "a fox", "--steps", "900"],
        ["paint", "a fox", "--model", "nobody"],
        ["paint", "  "],
        ["paint", "a fox", "--source", "nowhere.png"],
        ["paint", "a fox", "-o", "nowhere/out.png"],
    ):
        refused = run(*arguments)
        assert refused.returncode == 2, arguments
        assert refused.stderr.startswith("atelier: ")
        assert refused.stderr.count("\n") == 1, refused.stderr


def test_every_local_link_leads_somewhere() -> None:
    """No paper points at a file that is not there."""
    for paper in ROOT.glob("*.md"):
        for target in re.findall(r"\]\(([^)#:]+)\)", paper.read_text(encoding="utf-8")):
            assert (ROOT / target).exists(), f"{paper.name}: {target}"


if __name__ == "__main__":
    print(settings_table())
