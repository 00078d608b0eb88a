"""Messages: what a body may say, what is kept of it, and everything that was ever shown."""

from __future__ import annotations

import asyncio
import copy
import io
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from tests.loopback_discord import components as parts
from tests.loopback_discord import errors, forms
from tests.loopback_discord.clock import Clock
from tests.loopback_discord.errors import ApiError, form
from tests.loopback_discord.world import MIB, Channel, User

SUPPRESS_EMBEDS, EPHEMERAL, LOADING, SILENT, V2 = 1 << 2, 1 << 6, 1 << 7, 1 << 12, 1 << 15
MOST_FILES, MOST_BYTES, NONCE_S = 10, 25 * MIB, 300.0
REPLY, COMMAND = 19, 20
MENTION = re.compile(r"<@!?(\d+)>")
IDS = forms.items(forms.snowflake, 0, 100)
EMBED = forms.fields(
    {
        "title": forms.text(0, 256, null=True),
        "description": forms.text(0, 4096, null=True),
        "url": forms.text(0, 2048, null=True),
        "type": forms.text(),
        "color": forms.whole(0, 0xFFFFFF, null=True),
        "timestamp": forms.text(null=True),
        "footer": forms.fields({"text": forms.text(0, 2048), "icon_url": forms.text()}),
        "image": forms.fields({"url": forms.text(1, 2048)}),
        "thumbnail": forms.fields({"url": forms.text(1, 2048)}),
        "author": forms.fields(
            {"name": forms.text(0, 256), "url": forms.text(), "icon_url": forms.text()}
        ),
        "fields": forms.items(
            forms.fields(
                {
                    "name": forms.text(1, 256),
                    "value": forms.text(1, 1024),
                    "inline": forms.truth,
                }
            ),
            0,
            25,
        ),
        "flags": forms.whole(),
    }
)
ATTACHMENT = forms.fields(
    {
        "id": forms.snowflake,
        "filename": forms.text(1, 1024),
        "description": forms.text(0, 1024, null=True),
        "title": forms.text(0, 1024, null=True),
        "spoiler": forms.truth,
        "is_spoiler": forms.truth,
        "size": forms.whole(),
        "url": forms.text(),
        "proxy_url": forms.text(),
        "width": forms.whole(null=True),
        "height": forms.whole(null=True),
        "content_type": forms.text(null=True),
    },
    required=("id",),
)


def _mentions(value: Any, where: str) -> None:
    kinds = forms.items(forms.one_of("users", "roles", "everyone"))
    known = {"parse": kinds, "users": IDS, "roles": IDS, "replied_user": forms.truth}
    forms.fields(known, null=True)(value, where)
    for kind in (value or {}).get("parse", []):
        if value.get(kind):
            raise form(where, "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", f"{kind}: one or all.")


EDIT: dict[str, forms.Check] = {
    "content": forms.text(0, 2000, null=True),
    "embeds": forms.items(EMBED, 0, 10),
    "flags": forms.flags(SUPPRESS_EMBEDS, V2),
    "allowed_mentions": _mentions,
    "components": forms.anything,
    "attachments": forms.items(ATTACHMENT, 0, MOST_FILES),
    "tts": forms.truth,  # discord.py sends it with everything
}
CREATE: dict[str, forms.Check] = EDIT | {
    "flags": forms.flags(SUPPRESS_EMBEDS, SILENT, V2),
    "nonce": lambda value, where: (
        forms.text(1, 25)(value, where) if isinstance(value, str) else forms.whole()(value, where)
    ),
    "enforce_nonce": forms.truth,
    "message_reference": forms.fields(
        {
            "type": forms.one_of(0),
            "message_id": forms.snowflake,
            "channel_id": forms.snowflake,
            "guild_id": forms.snowflake,
            "fail_if_not_exists": forms.truth,
        },
        required=("message_id",),
    ),
    "sticker_ids": forms.items(forms.snowflake, 0, 0),
}
ANSWER: dict[str, forms.Check] = EDIT | {"flags": forms.flags(4, EPHEMERAL, SILENT, V2)}
FOLLOWUP: dict[str, forms.Check] = ANSWER | {
    "username": forms.text(1, 80),
    "avatar_url": forms.text(),
}


@dataclass(kw_only=True)
class File:
    """A file that was uploaded, and where it is fetched."""

    id: int
    name: str
    data: bytes
    url: str
    description: str | None = None
    width: int | None = None
    height: int | None = None
    content_type: str = "application/octet-stream"
    painted: str | None = None
    """How it was painted, if the picture says so."""

    def to_json(self) -> dict[str, Any]:
        return {
            "id": str(self.id),
            "filename": self.name,
            "size": len(self.data),
            "url": self.url,
            "proxy_url": self.url,
            "width": self.width,
            "height": self.height,
            "content_type": self.content_type,
            **({"description": self.description} if self.description else {}),
        }


@dataclass(frozen=True, kw_only=True)
class Version:
    """How a message once looked."""

    text: str
    files: tuple[File, ...]
    components: list[dict[str, Any]]


@dataclass(kw_only=True, eq=False, repr=False)
class Message:
    """One message, as it is now and with everything it was before."""

    id: int
    channel: Channel
    author: User
    how: str
    """"channel", "answer" or "followup": by which way it was posted."""
    created_at: str
    only_for: User | None = None
    content: str = ""
    embeds: list[dict[str, Any]] = field(default_factory=list)
    components: list[dict[str, Any]] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    flags: int = 0
    edited_at: str | None = None
    nonce: str | int | None = None
    reply_to: int | None = None
    origin: dict[str, Any] | None = None
    pings: set[int] = field(default_factory=set)
    pings_everyone: bool = False
    deleted: bool = False
    versions: list[Version] = field(default_factory=list)

    def __repr__(self) -> str:
        return f"<Message {self.id} in {self.channel.name}: {self.text!r} {self.labels()}>"

    @property
    def ephemeral(self) -> bool:
        return self.only_for is not None

    @property
    def now(self) -> Version:
        """How it looks at this moment."""
        return Version(text=self.text, files=tuple(self.files), components=self.components)

    @property
    def loading(self) -> bool:
        """Whether it is only "… is thinking"."""
        return bool(self.flags & LOADING)

    @property
    def text(self) -> str:
        """All that can be read in it, in order."""
        return _text(self.content, self.embeds, self.components)

    def shown(self) -> list[File]:
        """The uploaded files that people see, in order."""
        if not self.flags & V2:
            return list(self.files)
        by_id = {str(file.id): file for file in self.files}
        found = [by_id.get(str(each.get("attachment_id"))) for each in parts.media(self.components)]
        return [file for file in found if file is not None]

    def pictures(self) -> list[bytes]:
        """The bytes of what is shown."""
        return [file.data for file in self.shown()]

    def buttons(self) -> list[dict[str, Any]]:
        """Every button and select, in order."""
        kinds = (parts.BUTTON, *parts.SELECTS)
        return [each for each in parts.walk(self.components) if each["type"] in kinds]

    def labels(self) -> list[str]:
        """What stands on the buttons."""
        return [str(b.get("label") or (b.get("emoji") or {}).get("name")) for b in self.buttons()]

    def custom_ids(self) -> list[str]:
        """The custom ids of buttons and selects, in order."""
        return [str(each["custom_id"]) for each in self.buttons() if "custom_id" in each]

    def ever(self, holds: Callable[[Version], object]) -> bool:
        """Whether it looked like that at any time."""
        return any(holds(version) for version in self.versions)

    def to_json(self, *, interaction: bool = False) -> dict[str, Any]:
        """As the API gives it; files that components show are not among the attachments."""
        shown = {str(each.get("attachment_id")) for each in parts.media(self.components)}
        loose = [file.to_json() for file in self.files if str(file.id) not in shown]
        made: dict[str, Any] = {
            "id": str(self.id),
            "channel_id": str(self.channel.id),
            "author": self.author.to_json(),
            "content": self.content,
            "timestamp": self.created_at,
            "edited_timestamp": self.edited_at,
            "tts": False,
            "mention_everyone": self.pings_everyone,
            "mentions": [],
            "mention_roles": [],
            "attachments": loose,
            "embeds": self.embeds,
            "pinned": False,
            "type": COMMAND if self.origin else REPLY if self.reply_to else 0,
            "flags": self.flags,
            "components": copy.deepcopy(self.components),
        }
        if self.nonce is not None:
            made["nonce"] = self.nonce
        if self.origin is not None:
            made["interaction_metadata"] = self.origin
            made["application_id"] = made["webhook_id"] = str(self.author.id)
        if self.reply_to is not None:
            made["message_reference"] = {
                "type": 0,
                "message_id": str(self.reply_to),
                "channel_id": str(self.channel.id),
            }
        if self.channel.guild is not None and not interaction:
            made["guild_id"] = str(self.channel.guild.id)
        return made


class Posts:
    """Every message that was ever posted, deleted ones too."""

    def __init__(self, clock: Clock, cdn: Callable[[int, str], str]) -> None:
        self.every: list[Message] = []
        self.files: dict[int, File] = {}
        self.dropped: list[str] = []
        """Uploads that no component showed, as sentences."""
        self.changed = asyncio.Condition()
        self._clock, self._cdn = clock, cdn
        self._nonces: dict[tuple[int, str], tuple[float, Message]] = {}

    def find(self, message_id: int) -> Message:
        """One that is there. Raises `ApiError` (10008)."""
        for message in reversed(self.every):
            if message.id == message_id and not message.deleted:
                return message
        raise errors.unknown_message()

    def repeated(self, channel: Channel, body: dict[str, Any]) -> Message | None:
        """The message of the same nonce in the last minutes, if the body asks for that."""
        if not body.get("enforce_nonce") or "nonce" not in body:
            return None
        at, message = self._nonces.get((channel.id, str(body["nonce"])), (0.0, None))
        return message if self._clock.now() - at < NONCE_S else None

    def create(
        self, body: dict[str, Any], uploads: dict[int, tuple[str, bytes]], **given: Any
    ) -> Message:
        """A new message. Raises `ApiError` when nothing would be seen."""
        message = Message(id=self._clock.snowflake(), created_at=self._clock.iso(), **given)
        if not (body.get("content") or body.get("embeds") or body.get("components") or uploads):
            raise errors.empty_message()
        self._fill(message, body, uploads)
        message.nonce = body.get("nonce")
        self.add(message)
        if message.nonce is not None:
            self._nonces[message.channel.id, str(message.nonce)] = (self._clock.now(), message)
        return message

    def add(self, message: Message) -> None:
        """Keep it; it is in its channel from now on."""
        self.every.append(message)
        if not message.ephemeral:
            message.channel.last_message = message.id

    def blank(self, **given: Any) -> Message:
        """ "… is thinking": there, with nothing in it yet."""
        message = Message(id=self._clock.snowflake(), created_at=self._clock.iso(), **given)
        message.flags |= LOADING
        self.add(message)
        return message

    def edit(
        self, message: Message, body: dict[str, Any], uploads: dict[int, tuple[str, bytes]]
    ) -> Message:
        """Change a message in place."""
        self._fill(message, body, uploads)
        message.flags &= ~LOADING
        message.edited_at = self._clock.iso()
        return message

    async def tell(self) -> None:
        """Wake whoever waits for something to be shown."""
        async with self.changed:
            self.changed.notify_all()

    def _fill(
        self, message: Message, body: dict[str, Any], uploads: dict[int, tuple[str, bytes]]
    ) -> None:
        had = message.flags & V2
        wants = int(body.get("flags", message.flags)) & V2
        if had and not wants:
            raise form("flags", "MESSAGE_CANNOT_REMOVE_COMPONENTS_V2_FLAG", "It is permanent.")
        if wants:
            _no_legacy(message, body)
        files = self._files(message, body, uploads)
        given = body.get("components")
        if given is not None:
            parts.check_message(given, v2=bool(wants), names={file.name: file for file in files})
        elif wants and not had:
            raise form("components", "BASE_TYPE_REQUIRED", "This field is required")
        kept = message.flags & (EPHEMERAL | LOADING | SILENT)
        message.flags = int(body.get("flags", message.flags & ~LOADING)) | kept
        message.files = files
        if "content" in body:
            message.content = body["content"] or ""
        if "embeds" in body:
            message.embeds = body["embeds"]
        if given is not None:
            message.components = _numbered(given, files)
        _ping(message, body.get("allowed_mentions"))
        message.versions.append(message.now)
        for file in files if wants else ():
            if file not in message.shown():
                self.dropped.append(f"{file.name} was uploaded to {message.id} and never shown")

    def _files(
        self, message: Message, body: dict[str, Any], uploads: dict[int, tuple[str, bytes]]
    ) -> list[File]:
        said = body.get("attachments")
        if said is None:
            files = list(message.files)
            said = [{"id": index} for index in uploads]
        else:
            kept = {str(each["id"]) for each in said}
            files = [file for file in message.files if str(file.id) in kept]
        old = {str(file.id) for file in message.files}
        fresh = {int(each["id"]): each for each in said if str(each["id"]) not in old}
        if set(fresh) != set(uploads):
            raise form("attachments", "ATTACHMENT_NOT_FOUND", f"{set(fresh)} is not {set(uploads)}")
        for index, each in fresh.items():
            name, data = uploads[index]
            files.append(self.keep(each.get("filename") or name, data, each.get("description")))
        if len(files) > MOST_FILES:
            raise form("attachments", "BASE_TYPE_MAX_LENGTH", f"{MOST_FILES} or fewer.")
        return files

    def keep(self, name: str, data: bytes, description: str | None = None) -> File:
        """Take a file in; pictures get their size."""
        number = self._clock.snowflake()
        name = re.sub(r"[^\w.\-]", "_", name)
        file = File(id=number, name=name, data=data, url=self._cdn(number, name))
        file.description = description
        try:
            with Image.open(io.BytesIO(data)) as image:
                file.width, file.height = image.size
                file.content_type = f"image/{(image.format or '').lower()}"
                file.painted = _parameters(image)
        except OSError:
            pass
        self.files[number] = file
        return file


def galleries(version: Version) -> list[str]:
    """For each picture in a gallery of it: how it was painted, else its alt text."""
    by_id = {str(file.id): file for file in version.files}
    found = []
    for each in parts.walk(version.components):
        for item in each.get("items", []):
            file = by_id.get(str(item["media"].get("attachment_id")))
            if file is not None:
                found.append(file.painted or str(item.get("description")))
    return found


def _parameters(image: Image.Image) -> str | None:
    """What the picture itself says: a PNG's text, or the comment in EXIF of other formats."""
    image.load()
    said = image.info.get("parameters")
    if said is None:
        comment = image.getexif().get_ifd(0x8769).get(0x9286) or image.getexif().get(0x010E)
        said = comment.decode("utf-8", "ignore") if isinstance(comment, bytes) else comment
        said = said and said.replace("\0", "")
    return str(said) if said else None


def check_sizes(uploads: dict[int, tuple[str, bytes]], limit: int) -> None:
    """Raise 413 when a file or all of them together are too large."""
    sizes = [len(data) for _, data in uploads.values()]
    if any(size > limit for size in sizes) or sum(sizes) > MOST_BYTES:
        raise errors.too_large()
    if len(sizes) > MOST_FILES:
        raise ApiError(400, 30015, f"Maximum number of attachments in a message ({MOST_FILES})")


def _no_legacy(message: Message, body: dict[str, Any]) -> None:
    for name in ("content", "embeds", "sticker_ids"):
        present = body[name] if name in body else getattr(message, name, None)
        if present or (name in body and name != "content" and present is None):
            raise form(
                name,
                "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
                f"The '{name}' field cannot be used when using MessageFlags.IS_COMPONENTS_V2",
            )


def _numbered(given: list[dict[str, Any]], files: list[File]) -> list[dict[str, Any]]:
    """The components with ids, and with files where they said attachment://."""
    made = copy.deepcopy(given)
    names = {file.name: file for file in files}
    urls = {file.url: file for file in files}
    taken = {each["id"] for each in parts.walk(made) if each.get("id")}
    free = (number for number in range(1, 1000) if number not in taken)
    for each in parts.walk(made):
        if not each.get("id"):
            each["id"] = next(free)
    for each in parts.media(made):
        file = names.get(each["url"].removeprefix("attachment://")) or urls.get(each["url"])
        if file is not None:
            each |= {"url": file.url, "proxy_url": file.url, "attachment_id": str(file.id)}
            each |= {"width": file.width, "height": file.height, "content_type": file.content_type}
        each |= {"loading_state": 2, "placeholder": "", "placeholder_version": 1, "flags": 0}
    return made


def _ping(message: Message, allowed: dict[str, Any] | None) -> None:
    """Whom it notifies, by what it says and by what is allowed."""
    text = message.text
    named = {int(found) for found in MENTION.findall(text)}
    if allowed is None:
        allowed = {"parse": ["users", "everyone"]}
    parse, users = allowed.get("parse", []), {int(each) for each in allowed.get("users", [])}
    message.pings |= named if "users" in parse else named & users
    everyone = re.search(r"@(everyone|here)", text)
    message.pings_everyone |= bool(everyone) and "everyone" in parse


def _text(content: str, embeds: list[dict[str, Any]], shown: list[dict[str, Any]]) -> str:
    lines = [content] if content else []
    lines += [str(e[k]) for e in embeds for k in ("title", "description") if e.get(k)]
    lines += [str(each["content"]) for each in parts.walk(shown) if each["type"] == parts.TEXT]
    return "\n".join(lines)
