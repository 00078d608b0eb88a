"""The settings, and the only place that reads the environment (and a `.env` file)."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
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
from engine import processors
from engine.hub import Hub
from engine.quiet import WANTED_OFFLINE

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
    trusted_proxies: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode] = _setting(
        (),
        "Reverse proxies that are believed about where a request comes from: addresses or "
        "networks, with commas.",
        "a list of addresses or networks, such as 127.0.0.1,10.0.0.0/8",
        shown="",
    )
    web_password: SecretStr | None = _secret("Password that visitors of the page need.")
    admin_password: SecretStr | None = _secret("Password of the page's admin view.")
    metrics_token: SecretStr | None = _secret(
        "Bearer token that `/metrics` asks for; without one only this machine may read it."
    )
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
    keep_days: float = _setting(
        0.0,
        "Days after which pictures nobody pinned are deleted; 0 keeps them.",
        "a number from 0 to 100000",
        shown="0",
        ge=0,
        le=100_000,
    )
    keep_gb: float = _setting(
        20.0,
        "Gigabytes that pictures may take, then the oldest go that nobody pinned; 0 is no limit.",
        "a number from 0 to 1000000",
        shown="20",
        ge=0,
        le=1_000_000,
    )
    keep_latents_hours: float = _setting(
        48.0,
        "Hours in which a picture can be decoded once more with the better decoder.",
        "a number from 0 to 100000",
        shown="48",
        ge=0,
        le=100_000,
    )
    api_wait: float = _setting(
        540.0,
        "Seconds that a program's request may wait for its pictures (`/v1`, `/sdapi`).",
        "a number from 1 to 86400",
        shown="540",
        ge=1,
        le=86_400,
    )
    pins: int = _setting(
        100, "Pictures that one person may pin.", "a whole number, 0–1000000", ge=0, le=1_000_000
    )
    uploads_days: float = _setting(
        7.0,
        "Days for which pictures that people brought are kept after they were used last.",
        "a number from 0 to 100000",
        shown="7",
        ge=0,
        le=100_000,
    )
    uploads_gb: float = _setting(
        2.0,
        "Gigabytes that these may take, then those used longest ago go; 0 is no limit.",
        "a number from 0 to 1000000",
        shown="2",
        ge=0,
        le=1_000_000,
    )
    cache_gb: float = _setting(
        4.0,
        "Gigabytes that compiled models may take, then those used longest ago go; 0 is no limit.",
        "a number from 0 to 1000000",
        shown="4",
        ge=0,
        le=1_000_000,
    )
    safety_model: str | None = _setting(
        None,
        "Classifier that looks at every finished picture: a folder, or a name on the hub.",
        "a folder or a name such as owner/name",
        shown="",
    )
    safety_flagged: Literal["show", "spoiler", "withhold"] = _setting(
        "spoiler",
        "What becomes of pictures it finds harmful; places may choose otherwise.",
        "show, spoiler or withhold",
    )
    safety_threshold: float = _setting(
        0.5,
        "How sure it has to be of that.",
        "a number from 0.01 to 1",
        shown="0.5",
        ge=0.01,
        le=1,
    )
    disk_reserve: str = _setting(
        "500MB",
        "Free room below which nothing new is taken on: an amount, or a share of the disk.",
        "a share such as 2% or an amount such as 500MB",
    )
    mirror: str | None = _setting(
        None,
        "Address that `atelier models pull` fetches every file from, instead of its own source.",
        "a full address, such as https://files.example.org/networks",
        shown="",
        pattern=r"^https?://[^\s/]+(/\S*)?$",
    )
    metadata: bool = _setting(
        True,
        "Whether picture files say how they were made: `true` or `false`.",
        "true or false",
        shown="true",
    )
    log: Literal["console", "json"] = _setting(
        "console", "How the log is written: `console` or `json`.", "console or json"
    )
    discord_token: SecretStr | None = _secret("Token of the Discord bot.")
    discord_servers: Annotated[frozenset[int], NoDecode] = _setting(
        frozenset(),
        "Servers the Discord bot works in, by id, with commas; empty: wherever it is invited.",
        "a list of server ids",
        shown="",
    )
    discord_guild: int | None = _setting(
        None,
        "One server that gets the commands at once and for itself, for trying out.",
        "a server's id",
        shown="",
        ge=1,
    )
    discord_api_url: str | None = _setting(
        None,
        "Full base of Discord's HTTP API, for a proxy, such as `http://proxy:8080/api/v10`.",
        "a full address, such as http://proxy:8080/api/v10",
        shown="",
        pattern=r"^https?://[^\s/]+(/\S*)?$",
    )
    discord_gateway_url: str | None = _setting(
        None,
        "Full address of Discord's gateway, for a proxy, such as `ws://proxy:8081/`.",
        "a full address, such as ws://proxy:8081/",
        shown="",
        pattern=r"^wss?://[^\s/]+(/\S*)?$",
    )
    telegram_token: SecretStr | None = _secret("Token of the Telegram bot.")
    telegram_chats: Annotated[frozenset[int], NoDecode] = _setting(
        frozenset(),
        "Chats and people the Telegram bot works for, by id, with commas; empty: everybody.",
        "a list of chat ids",
        shown="",
    )
    telegram_api_url: str | None = _setting(
        None,
        "Root of one's own Telegram Bot API server, such as `http://localhost:8081`.",
        "a full address, such as http://localhost:8081",
        shown="",
        pattern=r"^https?://[^\s/]+(/\S*)?$",
    )
    telegram_webhook_url: str | None = _setting(
        None,
        "Public HTTPS address that Telegram calls; without it the bot polls.",
        "a full address, such as https://paint.example.org/telegram",
        shown="",
        pattern=r"^https://[^\s/]+(/\S*)?$",
    )

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

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _split_networks(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(ip_network(part.strip()) for part in value.split(",") if part.strip())

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

    @field_validator("discord_servers", "telegram_chats", mode="before")
    @classmethod
    def _split_ids(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return frozenset(int(part) for part in value.split(",") if part.strip())

    @field_validator("memory", "disk_reserve")
    @classmethod
    def _readable_amount(cls, value: str) -> str:
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
    def reserve_bytes(self) -> int:
        """The room on the disk that nothing new may touch, in bytes."""
        return machine.amount(self.disk_reserve, machine.disk_bytes(self.data))

    @property
    def models_folder(self) -> Path:
        """Where models go that are fetched or added."""
        return self.data / "models"

    @property
    def model_folders(self) -> tuple[Path, ...]:
        """Where models are looked for: what was fetched or added, then what was named."""
        return (*([self.models_folder] if self.models_folder.is_dir() else []), *self.models)

    @property
    def own_models(self) -> Path:
        """Where operators name further models that can be fetched."""
        return self.data / "models.toml"

    @property
    def hub(self) -> str:
        """The Hugging Face hub, or what the variable of its own tools names instead."""
        return os.environ.get("HF_ENDPOINT") or "https://huggingface.co"

    @property
    def hub_access(self) -> Hub:
        """The hub with everything its own tools would know of: token, cache, whether offline."""
        home = Path(os.environ.get("HF_HOME") or _cache_home() / "huggingface").expanduser()
        cache = Path(os.environ.get("HF_HUB_CACHE") or home / "hub").expanduser()
        token = os.environ.get("HF_TOKEN") or _read_token(
            Path(os.environ.get("HF_TOKEN_PATH") or home / "token").expanduser()
        )
        return Hub(endpoint=self.hub, token=token.strip(), offline=WANTED_OFFLINE, cache=cache)

    @property
    def painting_threads(self) -> int:
        """The threads that paint, at least 1."""
        return self.threads or processors.layout().threads

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


def _cache_home() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache")


def _read_token(file: Path) -> str:
    """What `hf auth login` has kept, if anything."""
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _line(where: tuple[int | str, ...], value: object) -> str:
    name = str(where[0])
    field = Settings.model_fields[name]
    extra = field.json_schema_extra
    assert isinstance(extra, dict)
    given = "" if name in SECRETS else f"={value}"
    return f"{PREFIX}{name.upper()}{given} cannot be used: it must be {extra['must']}."
