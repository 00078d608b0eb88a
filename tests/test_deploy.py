"""What deploy/ and its surroundings say is true: image, compose, units, proxies, settings."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
import yaml
from dotenv import dotenv_values

from bot import cli, serve
from bot.meter import Meter
from bot.settings import SETTINGS, Settings
from deploy import slim
from tests.serving import free_port

ROOT = Path(__file__).parents[1]
COMPOSE = (ROOT / "compose.yml").read_text(encoding="utf-8")
DOCKERFILE = (ROOT / "deploy/Dockerfile").read_text(encoding="utf-8")
HEAD = """\
# Every setting of Atelier, with its default. Copy this to `.env` and take the `#` away where you
# want something else. A secret can also stand in a file: NAME_FILE=/path/of/the/file.
# Written by `python -m tests.test_deploy > .env.example`.
"""


def env_example() -> str:
    """The file `.env.example` as the settings have it."""
    parts = [HEAD]
    for each in SETTINGS:
        value, extra = each.default, ""
        if " " in value:  # a default that is reckoned from another setting
            value, extra = "", f" (default: {value})"
        if each.secret:
            extra += f" (or {each.name}_FILE)"
        meaning = textwrap.fill(f"{each.meaning}{extra}", 98, initial_indent="# ").replace(
            "\n", "\n# "
        )
        parts.append(f"{meaning}\n#{each.name}={value}\n")
    return "\n".join(parts)


def test_the_example_documents_every_setting() -> None:
    """Name, default and meaning, exactly as the program has them."""
    written = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert written == env_example(), "python -m tests.test_deploy > .env.example"


def test_the_example_with_every_line_in_force_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its values are the defaults, so whoever copies it and takes all `#` away gets the same."""
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    (tmp_path / ".env").write_text(
        re.sub(r"^#(ATELIER_)", r"\1", example, flags=re.MULTILINE), encoding="utf-8"
    )
    assert len(dotenv_values(tmp_path / ".env")) == len(SETTINGS)
    monkeypatch.chdir(tmp_path)
    assert Settings().model_dump() == Settings(_env_file=None).model_dump()  # type: ignore[call-arg]


def _tool(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / name), *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8")


def test_the_dockerfile_passes_its_linter() -> None:
    """hadolint finds nothing in it, and something in a bad one."""
    good = _tool("hadolint", "deploy/Dockerfile")
    assert good.returncode == 0, good.stdout
    command = [str(Path(sys.executable).parent / "hadolint"), "-"]
    bad = subprocess.run(
        command, input="FROM debian\nRUN cd /\n", capture_output=True, encoding="utf-8"
    )
    assert bad.returncode != 0


def test_compose_is_what_its_schema_allows() -> None:
    """Checked against the schema that check-jsonschema brings."""
    done = _tool("check-jsonschema", "--builtin-schema", "vendor.compose-spec", "compose.yml")
    assert done.returncode == 0, done.stdout


def test_compose_gives_the_end_the_time_it_takes() -> None:
    """The grace time covers the last painting, the deliveries and the threads' end."""
    grace = re.search(r"stop_grace_period: (\d+)s", COMPOSE)
    assert grace is not None
    assert int(grace[1]) >= serve.GRACE_S + serve.DRAIN_S + 10


def test_every_setting_that_compose_and_the_image_name_exists() -> None:
    """A misspelt one would stop the start."""
    known = {each.name for each in SETTINGS}
    known |= {f"{each.name}_FILE" for each in SETTINGS if each.secret}
    for text in (COMPOSE, DOCKERFILE):
        named = set(re.findall(r"\bATELIER_[A-Z_]+\b", text))
        assert named
        assert named <= known


def test_the_makefile_and_the_image_install_the_same_torch() -> None:
    """One version of it, pinned in both."""
    made = re.search(r"TORCH := (torch==[\d.]+)", (ROOT / "Makefile").read_text(encoding="utf-8"))
    assert made is not None
    assert f"ARG TORCH={made[1]}+cpu" in DOCKERFILE


def test_nothing_but_what_the_image_needs_is_sent_to_the_builder() -> None:
    """The list allows; data, secrets and environments cannot slip in, and all sources are there."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    allowed = {rule[1:] for rule in rules if rule.startswith("!")}
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    assert {each for line in copied for each in line.split()} == allowed


def test_what_is_left_out_is_there_to_be_left_out() -> None:
    """A pattern that matches nothing is a typing error, or a library that has changed."""
    found = slim.left_out(slim.packages())
    for pattern, why in slim.LEFT_OUT.items():
        if why != "installing":  # a virtual environment may have been made without these
            assert found[pattern], f"{pattern}: nothing there"


TRACED = """
import atexit, os, pathlib, sys
seen = set()
def hook(event, arguments):
    if event == "open" and isinstance(arguments[0], (str, bytes)):
        seen.add(os.path.realpath(os.fsdecode(arguments[0])))
sys.addaudithook(hook)
def write():
    seen.update(getattr(m, "__file__", None) or "" for m in list(sys.modules.values()))
    for line in open("/proc/self/maps"):
        seen.add(line.split(None, 5)[5].strip() if line.count("/") else "")
    pathlib.Path(sys.argv[1]).write_text("\\n".join(sorted(seen)))
atexit.register(write)
import engine.borrowed  # what schedulers with rare settings need
from bot.cli import main
sys.exit(main(sys.argv[2:]))
"""


def _opened(listing: Path) -> set[Path]:
    """What would be missing: opened, imported or mapped, and yet on the list."""
    gone = {
        path
        for pattern, paths in slim.left_out(slim.packages()).items()
        # the metadata of these is read when any is looked for, and bytecode comes back
        if slim.LEFT_OUT[pattern] != "installing" and pattern != slim.BYTECODE
        for path in paths
    }
    seen = [Path(line) for line in listing.read_text(encoding="utf-8").splitlines() if line]
    assert any("torch" in path.parts for path in seen), "nothing was watched"
    assert any(path.name.startswith("libopenvino_intel_cpu") for path in seen), "not even this"
    return {path for path in seen if {path, *path.parents} & gone}


@pytest.mark.slow
def test_serving_opens_nothing_that_is_left_out(tmp_path: Path) -> None:
    """The image without these paints, enlarges and serves as the whole installation does."""
    port = free_port()
    environment = os.environ | {
        "ATELIER_DATA": str(tmp_path / "data"),
        "ATELIER_WEB_PORT": str(port),
        "ATELIER_DISCORD_TOKEN": "MTIz.x.y",
        "ATELIER_DISCORD_API_URL": f"http://127.0.0.1:{free_port()}/api/v10",
        "ATELIER_TELEGRAM_TOKEN": "123:abc",
        "ATELIER_TELEGRAM_API_URL": f"http://127.0.0.1:{free_port()}",
    }
    traced = [sys.executable, "-c", TRACED]
    ask = {"prompt": "a fox", "steps": 2, "upscale": 2}
    served = tmp_path / "served"
    process = subprocess.Popen(
        [*traced, str(served), "serve"], cwd=ROOT, env=environment, stderr=subprocess.PIPE
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=5) as client:
            _until(lambda: client.get("/healthz").status_code == 200, process)
            job = client.post("/api/jobs", json=ask).json()["id"]
            _until(lambda: client.get(f"/api/jobs/{job}").json()["state"] == "done", process)
    finally:
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors[-2000:]
    assert _opened(served) == set()


def _until(holds: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until:
        assert process.poll() is None
        try:
            if holds():
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError("it did not come to that")


MEASURED = r"\b(?:atelier|process)_[a-z_]+\b"
LABEL = r"(?:by|on) \(([a-z, ]+)\)"


def _exposed() -> tuple[set[str], set[str]]:
    """The names of all series that /metrics has once everything has happened, and their labels."""
    names, labels = set(), {"instance", "job", "le"}  # the first two are Prometheus' own
    for family in Meter().registry.collect():
        endings = {
            "counter": ("_total",),
            "histogram": ("_bucket", "_sum", "_count"),
            "info": ("_info",),
        }.get(family.type, ("",))
        names |= {family.name + ending for ending in endings}
    for each in vars(Meter()).values():
        labels |= set(getattr(each, "_labelnames", ()))
    return names, labels


def _expressions() -> list[str]:
    dashboard = json.loads((ROOT / "deploy/monitoring/dashboard.json").read_text("utf-8"))
    shown = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    alerts = yaml.safe_load((ROOT / "deploy/monitoring/alerts.yml").read_text("utf-8"))
    return shown + [rule["expr"] for group in alerts["groups"] for rule in group["rules"]]


def test_dashboard_and_alerts_ask_for_what_is_measured() -> None:
    """Every series and every label in them exists; one that does not is never drawn or raised."""
    names, labels = _exposed()
    asked = {name for each in _expressions() for name in re.findall(MEASURED, each)}
    assert len(asked) > 15
    assert asked - names == set()
    grouped = {
        label.strip()
        for each in _expressions()
        for found in re.findall(LABEL, each)
        for label in found.split(",")
    }
    assert grouped - labels == set()


def test_everything_that_is_measured_of_us_is_shown_somewhere() -> None:
    """A number that nobody looks at need not be counted."""
    asked = " ".join(_expressions())
    for family in Meter().registry.collect():
        if family.name.startswith("atelier_"):
            assert family.name in asked, family.name


def test_alerts_say_what_to_do() -> None:
    """Whoever is woken reads what happened and what comes next."""
    alerts = yaml.safe_load((ROOT / "deploy/monitoring/alerts.yml").read_text("utf-8"))
    for rule in alerts["groups"][0]["rules"]:
        assert rule["annotations"]["summary"]
        assert rule["annotations"]["do"]
        assert rule["labels"]["severity"] in ("warning", "critical")


def test_prometheus_asks_where_we_listen() -> None:
    """The page's own port, and the job name that the rules go by."""
    asked = yaml.safe_load((ROOT / "deploy/monitoring/prometheus.yml").read_text("utf-8"))
    (scraped,) = asked["scrape_configs"]
    assert scraped["job_name"] == "atelier"
    assert scraped["static_configs"] == [{"targets": [f"127.0.0.1:{Settings().web_port}"]}]


UNITS = ROOT / "deploy/systemd"


def _unit(name: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in (UNITS / name).read_text(encoding="utf-8").splitlines():
        if "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


def test_the_service_has_the_time_that_the_end_takes_and_no_rights_it_does_not_need() -> None:
    """As compose: the grace time; and neither root, nor a writable system, nor capabilities."""
    for name in ("atelier.service", "atelier-backup.service"):
        unit = _unit(name)
        assert unit["User"] == ["atelier"]
        assert unit["ProtectSystem"] == ["strict"]
        assert unit["NoNewPrivileges"] == ["yes"]
        assert unit["CapabilityBoundingSet"] == [""]
    stop = int(_unit("atelier.service")["TimeoutStopSec"][0])
    assert stop >= serve.GRACE_S + serve.DRAIN_S + 10


def test_units_call_commands_that_exist() -> None:
    """With the options they have."""
    for name in ("atelier.service", "atelier-backup.service"):
        (command,) = _unit(name)["ExecStart"]
        program, *arguments = command.split()
        assert program.endswith("/bin/atelier")
        assert callable(cli.parser().parse_args(arguments).run)


@pytest.mark.parametrize("script", sorted((ROOT / "deploy").glob("*.sh")), ids=lambda f: f.name)
def test_scripts_are_read_by_any_shell(script: Path) -> None:
    """No bashisms that the plain shell cannot even read."""
    done = subprocess.run(["sh", "-n", str(script)], capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr


def test_an_image_needs_a_builder(tmp_path: Path) -> None:
    """Where none is there, one line says which would do; an unknown one is named."""
    shell = shutil.which("sh")
    assert shell is not None
    for name in ("dirname", "sed", "git", "env"):
        found = shutil.which(name)
        assert found is not None
        (tmp_path / name).symlink_to(found)
    command = [shell, str(ROOT / "deploy/image.sh")]
    bare = {"PATH": str(tmp_path)}
    done = subprocess.run(command, env=bare, capture_output=True, encoding="utf-8")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "buildah" in done.stderr
    done = subprocess.run(
        command, env={**bare, "BUILDER": "x"}, capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 1
    assert "BUILDER=x" in done.stderr


if __name__ == "__main__":
    sys.stdout.write(env_example())
