"""The settings, and the only place that reads the environment (and a `.env` file)."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic.config import JsonDict
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from bot import machine

PREFIX = "ATELIER_"


class SettingsError(Exception):
    """Settings that cannot be used; `lines` has one clear sentence for each."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One documented setting: its full name, its default as text, and what it means."""

    name: str
    default: str
    meaning: str
    secret: bool


def _setting(default: Any, meaning: str, must: str, *, shown: str | None = None, **kw: Any) -> Any:
    """A field with its documentation; `must` completes the sentence "it must be …"."""
    extra: JsonDict = {"must": must, "shown": str(default) if shown is None else shown}
    return Field(default, description=meaning, json_schema_extra=extra, **kw)


def _secret(meaning: str) -> Any:
    return _setting(None, meaning, "text", shown="")


class Settings(BaseSettings):
    """What the operator decided, checked once at the start."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",  # unknown names are found by `load`, with a suggestion
        frozen=True,
    )

    data: Path = _setting(
        Path("data"),
        "Folder of everything that is written or cached.",
        "a folder",
        shown="./data",
    )
    models: Annotated[tuple[Path, ...], NoDecode] = _setting(
        (), "Further model folders, separated by `:` or commas.", "a list of folders", shown=""
    )
    model: str = _setting("starter", "The model used when nobody names one.", "a model's name")
    web_host: str = _setting("127.0.0.1", "Address that the page listens on.", "an address")
    web_port: int = _setting(7860, "Port of the page.", "a whole number, 0–65535", ge=0, le=65535)
    web_url: str | None = _setting(
        None,
        "Public address of the page behind a proxy, such as `https://paint.example.org`.",
        "a full address, such as https://paint.example.org",
        shown="",
        pattern=r"^https?://[^\s/]+(/\S*)?$",
    )
    web_password: SecretStr | None = _secret("Password that visitors of the page need.")
    admin_password: SecretStr | None = _secret("Password of the page's admin view.")
    operators: Annotated[frozenset[tuple[str, str]], NoDecode] = _setting(
        frozenset(),
        "People who may see and cancel everything, such as `discord:123,telegram:456`.",
        "a list such as discord:123,telegram:456",
        shown="",
    )
    budget: float = _setting(
        50.0,
        "Credits per person per rolling day; a default picture costs 1.",
        "a number from 0 to 1000000",
        shown="50",
        ge=0,
        le=1_000_000,
    )
    address_budget: float | None = _setting(
        None,
        "Credits that all anonymous visitors of one address share per rolling day.",
        "a number from 0 to 1000000",
        shown="3 × ATELIER_BUDGET",
        ge=0,
        le=1_000_000,
    )
    waiting_per_person: int = _setting(
        5, "Jobs that one person may have waiting.", "a whole number, 1–1000", ge=1, le=1000
    )
    queue_limit: int = _setting(
        200,
        "Jobs that may wait altogether.",
        "a whole number, 1–1000000",
        ge=1,
        le=1_000_000,
    )
    attempts: int = _setting(
        3,
        "Deaths of the process that a job survives before it is tried once more, last and alone.",
        "a whole number, 1–100",
        ge=1,
        le=100,
    )
    memory: str = _setting(
        "70%",
        "Memory for models: a share of the machine's, or an amount such as `6GB`.",
        "a share such as 70% or an amount such as 6GB",
    )
    threads: int = _setting(
        0,
        "Threads that paint; 0 takes the processors this process may use.",
        "a whole number, 0–1024",
        ge=0,
        le=1024,
    )
    log: Literal["console", "json"] = _setting(
        "console", "How the log is written: `console` or `json`.", "console or json"
    )
    discord_token: SecretStr | None = _secret("Token of the Discord bot.")
    telegram_token: SecretStr | None = _secret("Token of the Telegram bot.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What is given in code, then the environment, then `.env`, then the `…_FILE` files."""
        assert isinstance(dotenv_settings, DotEnvSettingsSource)
        written = {k.upper(): v for k, v in dotenv_settings.env_vars.items()}
        present = {k.upper(): v for k, v in os.environ.items()}
        _refuse_unknown(present, "")
        _refuse_unknown(written, "in .env: ")
        secrets = _read_secret_files({**written, **{k: v for k, v in present.items() if v}})
        return (
            init_settings,
            env_settings,
            dotenv_settings,
            InitSettingsSource(settings_cls, secrets),
        )

    @field_validator("models", mode="before")
    @classmethod
    def _split_folders(cls, value: object) -> object:
        if isinstance(value, str):
            parts = re.split(f"[,{re.escape(os.pathsep)}]", value)
            return tuple(Path(part.strip()).expanduser() for part in parts if part.strip())
        return value

    @field_validator("operators", mode="before")
    @classmethod
    def _split_operators(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        people = [part.strip() for part in value.split(",") if part.strip()]
        pairs = [tuple(person.split(":", 1)) for person in people]
        if any(len(pair) != 2 or not all(pair) for pair in pairs):
            raise ValueError("not platform:id")
        return frozenset((platform.strip().lower(), who.strip()) for platform, who in pairs)

    @field_validator("memory")
    @classmethod
    def _readable_memory(cls, value: str) -> str:
        machine.amount(value, 1)
        return value

    @field_validator("data")
    @classmethod
    def _home(cls, value: Path) -> Path:
        return value.expanduser()

    @property
    def memory_bytes(self) -> int:
        """The memory that models may use, in bytes."""
        return machine.amount(self.memory, machine.memory_bytes())

    @property
    def painting_threads(self) -> int:
        """The threads that paint, at least 1."""
        return self.threads or machine.processors()

    @property
    def credits_per_address(self) -> float:
        """What all anonymous people of one address share in a day."""
        return 3 * self.budget if self.address_budget is None else self.address_budget

    @property
    def secrets(self) -> tuple[str, ...]:
        """The secret values themselves, for whoever has to keep them out of a text."""
        values = (getattr(self, name) for name in type(self).model_fields)
        return tuple(v.get_secret_value() for v in values if isinstance(v, SecretStr))


def load(**given: Any) -> Settings:
    """The settings of this process; `given` wins. Raises `SettingsError`."""
    try:
        return Settings(**given)
    except ValidationError as error:
        lines = [_line(each["loc"], each["input"]) for each in error.errors(include_url=False)]
        raise SettingsError(list(dict.fromkeys(lines))) from None
    except UnicodeDecodeError:
        raise SettingsError([".env cannot be read: it is not UTF-8 text."]) from None


def documented() -> tuple[Setting, ...]:
    """Every setting in the order of the README's table."""
    table = []
    for name, field in Settings.model_fields.items():
        extra = field.json_schema_extra
        assert isinstance(extra, dict)
        table.append(
            Setting(
                name=PREFIX + name.upper(),
                default=str(extra["shown"]),
                meaning=field.description or "",
                secret=name in SECRETS,
            )
        )
    return tuple(table)


SECRETS = tuple(
    name for name, field in Settings.model_fields.items() if "SecretStr" in str(field.annotation)
)
SETTINGS = documented()
"""The documentation table; a test compares the README with it."""
_KNOWN = {each.name for each in SETTINGS}
_KNOWN |= {f"{each.name}_FILE" for each in SETTINGS if each.secret}


def _refuse_unknown(present: Mapping[str, object], where: str) -> None:
    lines = []
    for name in sorted(present):
        if not name.startswith(PREFIX) or name in _KNOWN:
            continue
        known = [each.removeprefix(PREFIX) for each in sorted(_KNOWN)]
        close = difflib.get_close_matches(name.removeprefix(PREFIX), known, n=1, cutoff=0.5)
        hint = (
            f" Did you mean {PREFIX}{close[0]}?" if close else " The README lists those there are."
        )
        lines.append(f"{where}{name} is not a setting.{hint}")
    if lines:
        raise SettingsError(lines)


def _read_secret_files(present: Mapping[str, str | None]) -> dict[str, str]:
    found, lines = {}, []
    for name in SECRETS:
        variable = f"{PREFIX}{name.upper()}"
        file = present.get(f"{variable}_FILE")
        if not file:
            continue
        if present.get(variable):
            lines.append(f"{variable} and {variable}_FILE are both set; keep one of them.")
            continue
        try:
            found[name] = Path(file).expanduser().read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            lines.append(f"{variable}_FILE: {file} cannot be read: {reason}.")
            continue
        if not found[name]:
            lines.append(f"{variable}_FILE: {file} is empty.")
    if lines:
        raise SettingsError(lines)
    return found


def _line(where: tuple[int | str, ...], value: object) -> str:
    name = str(where[0])
    field = Settings.model_fields[name]
    extra = field.json_schema_extra
    assert isinstance(extra, dict)
    given = "" if name in SECRETS else f"={value}"
    return f"{PREFIX}{name.upper()}{given} cannot be used: it must be {extra['must']}."
