"""The settings: read, checked, explained, and never giving away a secret."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bot import machine
from bot.settings import SETTINGS, Settings, SettingsError, load


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder without `.env` and an environment without our names."""
    for name in list(os.environ):
        if name.upper().startswith("ATELIER_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _refused() -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load()
    return caught.value.lines


def test_the_defaults_are_a_page_for_oneself() -> None:
    """Without any setting it listens on this machine only and asks for no token."""
    settings = load()
    assert (settings.data, settings.model) == (Path("data"), "starter")
    assert (settings.web_host, settings.web_port) == ("127.0.0.1", 7860)
    assert (settings.budget, settings.credits_per_address) == (50, 150)
    assert (settings.waiting_per_person, settings.queue_limit, settings.attempts) == (5, 200, 3)
    assert settings.painting_threads >= 1
    assert settings.memory_bytes == int(machine.memory_bytes() * 0.7)
    assert settings.secrets == ()


def test_the_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both are read; what is empty counts as not set."""
    Path(".env").write_text(
        "ATELIER_BUDGET=7\nATELIER_LOG=json\nATELIER_DISCORD_TOKEN=\nOTHER=1\n"
        "ATELIER_OPERATORS=discord:123, Telegram:456\nATELIER_MODELS=/a,/b:/c\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("ATELIER_BUDGET", "9.5")
    monkeypatch.setenv("ATELIER_WEB_URL", "")
    settings = load()
    assert (settings.budget, settings.log, settings.discord_token) == (9.5, "json", None)
    assert settings.web_url is None
    assert settings.operators == {("discord", "123"), ("telegram", "456")}
    assert settings.models == (Path("/a"), Path("/b"), Path("/c"))


@pytest.mark.parametrize("name", [each.name for each in SETTINGS if each.secret])
def test_secrets_come_from_files_too(
    name: str, monkeypatch: pytest.MonkeyPatch, elsewhere: Path
) -> None:
    """`…_FILE` names a file with the secret in it; nothing that is printed shows it."""
    file = elsewhere / "secret"
    file.write_text("hush-hush\n", encoding="utf-8")
    monkeypatch.setenv(f"{name}_FILE", str(file))
    settings = load()
    assert settings.secrets == ("hush-hush",)
    assert "hush" not in repr(settings)
    monkeypatch.setenv(name, "louder")
    assert _refused() == [f"{name} and {name}_FILE are both set; keep one of them."]
    monkeypatch.delenv(name)
    monkeypatch.setenv(f"{name}_FILE", str(elsewhere / "nowhere"))
    assert "cannot be read" in _refused()[0]
    file.write_text("\n", encoding="utf-8")
    monkeypatch.setenv(f"{name}_FILE", str(file))
    assert "is empty" in _refused()[0]


def test_a_misspelt_name_is_refused_with_the_right_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the environment and in the file; all of them at once."""
    monkeypatch.setenv("ATELIER_BUDGT", "7")
    monkeypatch.setenv("ATELIER_QUUX", "7")
    assert _refused() == [
        "ATELIER_BUDGT is not a setting. Did you mean ATELIER_BUDGET?",
        "ATELIER_QUUX is not a setting. The README lists those there are.",
    ]
    monkeypatch.delenv("ATELIER_BUDGT")
    monkeypatch.delenv("ATELIER_QUUX")
    Path(".env").write_text("ATELIER_WEB_PROT=1\n", encoding="utf-8")
    assert _refused() == [
        "in .env: ATELIER_WEB_PROT is not a setting. Did you mean ATELIER_WEB_PORT?"
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ATELIER_WEB_PORT", "99999"),
        ("ATELIER_WEB_PORT", "abc"),
        ("ATELIER_WEB_URL", "paint.example.org"),
        ("ATELIER_BUDGET", "nan"),
        ("ATELIER_BUDGET", "-1"),
        ("ATELIER_OPERATORS", "123"),
        ("ATELIER_MEMORY", "lots"),
        ("ATELIER_MEMORY", "0%"),
        ("ATELIER_MEMORY", "7"),
        ("ATELIER_THREADS", "-1"),
        ("ATELIER_LOG", "xml"),
        ("ATELIER_QUEUE_LIMIT", "0"),
    ],
)
def test_a_wrong_value_is_one_clear_line(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It names the setting, what was given, and what is possible."""
    monkeypatch.setenv(name, value)
    (line,) = _refused()
    assert line.startswith(f"{name}={value} cannot be used: it must be ")
    assert line.endswith(".")


def test_amounts_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """A share of what there is, or so many bytes."""
    for text, amount in (("6GB", 6e9), ("512 MiB", 512 * 2**20), ("1.5g", 1.5e9)):
        monkeypatch.setenv("ATELIER_MEMORY", text)
        assert load().memory_bytes == amount


def test_every_setting_is_documented() -> None:
    """Name, default and one sentence, for the README's table."""
    assert [each.name for each in SETTINGS] == [
        f"ATELIER_{name.upper()}" for name in Settings.model_fields
    ]
    assert all(each.meaning.endswith(".") for each in SETTINGS)


def test_a_container_s_limits_count(elsewhere: Path) -> None:
    """The lowest of this group and those above it; files without a limit change nothing."""
    groups, own = elsewhere / "groups", elsewhere / "own"
    inner = groups / "system.slice" / "atelier.service"
    inner.mkdir(parents=True)
    own.write_text("0::/system.slice/atelier.service\n", encoding="ascii")
    (inner / "memory.max").write_text("max\n", encoding="ascii")
    (groups / "system.slice" / "memory.max").write_text("123000000\n", encoding="ascii")
    (inner / "cpu.max").write_text("50000 100000\n", encoding="ascii")
    assert machine.memory_bytes(groups, own) == 123_000_000
    assert machine.processors(groups, own) == 1
    assert machine.memory_bytes(elsewhere / "none", elsewhere / "none") > 123_000_000
