"""Answers to interactions: the first within 3 seconds, then by token for 15 minutes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from tests.loopback_discord import errors, forms
from tests.loopback_discord.calls import Call
from tests.loopback_discord.components import check_modal
from tests.loopback_discord.errors import form
from tests.loopback_discord.people import (
    CHOICES,
    COMMAND,
    COMPLETE,
    COMPONENT,
    DEFER,
    DEFER_UPDATE,
    MESSAGE,
    MODAL,
    OPEN_MODAL,
    UPDATE,
    Interaction,
)
from tests.loopback_discord.posts import ANSWER, EDIT, EPHEMERAL, FOLLOWUP, Message, check_sizes

if TYPE_CHECKING:
    from tests.loopback_discord.server import LoopbackDiscord

FIRST_S, TOKEN_S, FOREIGN_FOLLOWUPS = 3.0, 900.0, 5
CHOICE = forms.fields(
    {
        "name": forms.text(1, 100),
        "value": forms.anything,
        "name_localizations": forms.anything,
    },
    required=("name", "value"),
)


class Answers:
    """The routes that need no bot token, only an interaction's."""

    def __init__(self, discord: LoopbackDiscord) -> None:
        self._discord = discord

    def table(self) -> list[tuple[str, str, Any, str]]:
        """Method, path, handler and known query fields."""
        hook, known = "/webhooks/{app}/{token}", "wait with_components thread_id"
        return [
            ("POST", "/interactions/{interaction}/{token}/callback", self.answer, "with_response"),
            ("POST", hook, self.follow_up, known),
            ("GET", hook + "/messages/@original", self.get_original, "thread_id"),
            ("PATCH", hook + "/messages/@original", self.edit_original, known),
            ("DELETE", hook + "/messages/@original", self.delete_original, "thread_id"),
            ("GET", hook + "/messages/{message}", self.get_follow_up, "thread_id"),
            ("PATCH", hook + "/messages/{message}", self.edit_follow_up, known),
            ("DELETE", hook + "/messages/{message}", self.delete_follow_up, "thread_id"),
        ]

    async def answer(self, call: Call) -> Any:
        arrived, discord = time.perf_counter(), self._discord
        found = discord.interactions.get(call.ids["token"])
        if found is None or found.id != call.number("interaction"):
            raise errors.unknown_interaction()
        if found.type is not None:
            raise errors.already_acknowledged()
        if discord.clock.now() - found.created_at > FIRST_S:
            discord.missed.append(found)
            raise errors.unknown_interaction()
        kinds = (MESSAGE, DEFER, DEFER_UPDATE, UPDATE, CHOICES, OPEN_MODAL)
        known = {"type": forms.one_of(*kinds), "data": forms.anything}
        forms.fields(known, required=("type",))(call.form, "")
        try:
            self._commit(found, call.form["type"], call.form.get("data") or {}, call)
        except errors.ApiError as error:
            found.refusals.append(str(error))
            raise
        found.type, found.took_s = call.form["type"], arrived - found.sent
        found.answered.set()
        if "with_response" not in call.query:
            return None
        return self._response(found)

    def _commit(self, found: Interaction, kind: int, data: dict[str, Any], call: Call) -> None:
        allowed = {
            COMMAND: (MESSAGE, DEFER, OPEN_MODAL),
            COMPONENT: (MESSAGE, DEFER, DEFER_UPDATE, UPDATE, OPEN_MODAL),
            COMPLETE: (CHOICES,),
            MODAL: (MESSAGE, DEFER)
            if found.source is None
            else (MESSAGE, DEFER, DEFER_UPDATE, UPDATE),
        }[found.kind]
        if kind not in allowed:
            raise form("type", "INTERACTION_APPLICATION_COMMAND_CALLBACK_TYPE", f"not {kind}")
        if kind == MESSAGE:
            forms.fields(ANSWER)(data, "data")
            check_sizes(call.uploads, found.payload["attachment_size_limit"])
            found.message = self._discord.posts.create(
                data, call.uploads, **self._given(found, data, "answer")
            )
        elif kind == DEFER:
            forms.fields({"flags": forms.flags(EPHEMERAL), "tts": forms.truth})(data, "data")
            found.message = self._discord.posts.blank(**self._given(found, data, "answer"))
        elif kind == DEFER_UPDATE:
            forms.fields({})(data, "data")
            found.message = found.source
        elif kind == UPDATE:
            forms.fields(EDIT)(data, "data")
            check_sizes(call.uploads, found.payload["attachment_size_limit"])
            assert found.source is not None
            found.message = self._discord.posts.edit(found.source, data, call.uploads)
        elif kind == CHOICES:
            forms.fields({"choices": forms.items(CHOICE, 0, 25)})(data, "data")
            found.choices = data["choices"]
        else:
            check_modal(data)
            found.modal = data

    def _given(self, found: Interaction, data: dict[str, Any], how: str) -> dict[str, Any]:
        hidden = int(data.get("flags", 0)) & EPHEMERAL
        origin = {
            "id": str(found.id),
            "type": found.kind,
            "user": found.person.user.to_json(),
            "authorizing_integration_owners": found.payload["authorizing_integration_owners"],
        }
        return {
            "channel": found.channel,
            "author": self._discord.bot,
            "how": how,
            "only_for": found.person.user if hidden else None,
            "flags": hidden,
            "origin": origin,
        }

    def _response(self, found: Interaction) -> dict[str, Any]:
        about: dict[str, Any] = {"id": str(found.id), "type": found.kind}
        resource: dict[str, Any] = {"type": found.type}
        if found.message is not None:
            about |= {
                "response_message_id": str(found.message.id),
                "response_message_loading": found.message.loading,
                "response_message_ephemeral": found.message.ephemeral,
            }
            if found.type in (MESSAGE, UPDATE):
                resource["message"] = found.message.to_json(interaction=True)
        return {"interaction": about, "resource": resource}

    async def follow_up(self, call: Call) -> Any:
        found = self._by_token(call)
        forms.fields(FOLLOWUP)(call.form, "")
        check_sizes(call.uploads, found.payload["attachment_size_limit"])
        if found.type == DEFER and found.message is not None and found.message.loading:
            body = {k: v for k, v in call.form.items() if k != "flags"}
            if "flags" in call.form:
                body["flags"] = call.form["flags"] & ~EPHEMERAL
            return self._discord.posts.edit(found.message, body, call.uploads).to_json()
        guild = found.channel.guild
        foreign = guild is not None and guild.bot_role is None
        if foreign and len(found.followups) >= FOREIGN_FOLLOWUPS:
            raise errors.too_many_followups()
        given = self._given(found, call.form, "followup")
        message = self._discord.posts.create(call.form, call.uploads, **given)
        found.followups.append(message)
        return message.to_json(interaction=True)

    async def get_original(self, call: Call) -> Any:
        return self._original(call).to_json(interaction=True)

    async def edit_original(self, call: Call) -> Any:
        return self._edit(call, self._original(call))

    async def delete_original(self, call: Call) -> Any:
        self._original(call).deleted = True

    async def get_follow_up(self, call: Call) -> Any:
        return self._follow_up(call).to_json(interaction=True)

    async def edit_follow_up(self, call: Call) -> Any:
        return self._edit(call, self._follow_up(call))

    async def delete_follow_up(self, call: Call) -> Any:
        self._follow_up(call).deleted = True

    def _edit(self, call: Call, message: Message) -> Any:
        forms.fields(EDIT)(call.form, "")
        limit = self._by_token(call).payload["attachment_size_limit"]
        check_sizes(call.uploads, limit)
        edited = self._discord.posts.edit(message, call.form, call.uploads)
        return edited.to_json(interaction=True)

    def _by_token(self, call: Call) -> Interaction:
        found = self._discord.interactions.get(call.ids["token"])
        if found is None or int(call.ids["app"]) != self._discord.bot.id:
            raise errors.unknown_webhook()
        if self._discord.clock.now() - found.created_at > TOKEN_S:
            raise errors.expired_token()
        if found.type is None:
            raise errors.unknown_webhook()
        return found

    def _original(self, call: Call) -> Message:
        found = self._by_token(call)
        if found.message is None or found.message.deleted:
            raise errors.unknown_message()
        return found.message

    def _follow_up(self, call: Call) -> Message:
        found = self._by_token(call)
        for message in (*found.followups, found.message):
            if message is not None and message.id == call.number("message") and not message.deleted:
                return message
        raise errors.unknown_message()
