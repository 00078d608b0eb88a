"""Pictures of what people see in Telegram, made by the real bot and the starter model.

`python -m tests.telegram_pictures FOLDER` writes them; the look is close to that of Telegram's own
apps, the words, pictures and buttons are what the loopback Telegram was told.
"""

from __future__ import annotations

import asyncio
import base64
import html
import sys
import tempfile
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from playwright.async_api import async_playwright

from tests.browsing import FLAGS, browser_path
from tests.loopback_telegram import Chat, Message, Person, Telegram, open_telegram
from tests.loopback_telegram.atelier import open_atelier

WIDTH = 430
STYLE = """
* { box-sizing: border-box; margin: 0 }
body { font: 15px/1.35 Roboto, "Segoe UI", "DejaVu Sans", "Noto Color Emoji", sans-serif;
  background: linear-gradient(160deg, #c9dcb8, #9dbf9a); padding: 12px 10px; width: 430px }
.title { text-align: center; font-size: 13px; color: #fff; background: #5b7a5866;
  width: max-content; margin: 0 auto 10px; padding: 2px 10px; border-radius: 12px }
.row { display: flex; margin-top: 5px; flex-direction: column; align-items: flex-start }
.row.mine { align-items: flex-end }
.bubble { background: #fff; border-radius: 14px 14px 14px 4px; padding: 6px 10px 5px;
  max-width: 380px;
  box-shadow: 0 1px 1px #0002; min-width: 90px; overflow: hidden }
.mine .bubble { background: #e7fdcc; border-radius: 14px 14px 4px 14px }
.photo { width: 340px; padding: 0 0 5px }
.photo > .words, .photo > .quoted, .photo > .name { margin-left: 10px; margin-right: 10px }
.photo img { display: block; width: 340px; margin-bottom: 5px }
.photo img.veiled { filter: blur(22px) brightness(.8) }
.photo .album img { width: 168px; height: 168px; object-fit: cover; margin: 0 }
.album { display: grid; grid-template-columns: 168px 168px; gap: 3px }
.name { color: #c0392b; font-weight: 600; font-size: 14px }
.quoted { border-left: 3px solid #4fae4e; background: #4fae4e18; border-radius: 4px;
  font-size: 13px;
  padding: 2px 8px; margin-bottom: 3px; margin-top: 2px; color: #333; white-space: nowrap;
  overflow: hidden; text-overflow: ellipsis }
.quoted b { color: #3a8f39; display: block }
.words { white-space: pre-wrap; overflow-wrap: anywhere }
.words a, .words .mention { color: #2a7ab8; text-decoration: none }
code { font: 13.5px "DejaVu Sans Mono", monospace; color: #236fa1 }
pre { font: 12.5px "DejaVu Sans Mono", monospace; white-space: pre-wrap; background: #4fae4e18;
  border-left: 3px solid #4fae4e; border-radius: 4px; padding: 4px 8px; margin: 3px 0 }
blockquote { border-left: 3px solid #4fae4e; background: #4fae4e18; border-radius: 4px;
  display: block;
  padding: 2px 8px; overflow: hidden; max-height: 4.3em }
.spoiler { background: #8a8a8a; color: transparent; border-radius: 3px }
.time { color: #8a9a8a; font-size: 11px; text-align: right; margin-top: -2px; padding-right: 2px }
.photo .time { padding-right: 10px }
.keys { width: 100%; max-width: 380px; margin-top: 3px }
.keys.wide { width: 340px }
.keys div { display: flex; gap: 3px; margin-bottom: 3px }
.keys span { flex: 1; background: #4d6b4a99; color: #fff; text-align: center; border-radius: 7px;
  padding: 7px 2px; font-size: 13.5px; font-weight: 500; white-space: nowrap; overflow: hidden;
  text-overflow: ellipsis }
.keys .danger { background: #d0453fcc } .keys .primary { background: #2f86d6cc }
.react { background: #fff9; border-radius: 9px; font-size: 12px; padding: 0 6px; margin-top: 2px;
  display: inline-block }
.file { display: flex; gap: 10px; align-items: center } .file i { background: #4fae4e; width: 42px;
  height: 42px; border-radius: 50%; color: #fff; text-align: center; line-height: 42px;
  font-style: normal }
.alert { margin: 14px auto 0; background: #222c; color: #fff; border-radius: 12px;
  padding: 10px 16px;
  width: max-content; max-width: 380px; font-size: 14px }
"""
TAGS = {
    "bold": ("<b>", "</b>"),
    "code": ("<code>", "</code>"),
    "pre": ("<pre>", "</pre>"),
    "spoiler": ('<span class="spoiler">', "</span>"),
    "expandable_blockquote": ("<blockquote>", "</blockquote>"),
}


def words(text: str, entities: Iterable[dict[str, Any]]) -> str:
    """A text with its marks as HTML; offsets count UTF-16 units."""
    data = text.encode("utf-16-le")
    opens: dict[int, str] = {}
    closes: dict[int, str] = {}
    for entity in entities:
        start, end = entity["offset"], entity["offset"] + entity["length"]
        before, after = TAGS.get(entity["type"], ('<span class="mention">', "</span>"))
        opens[start] = opens.get(start, "") + before
        closes[end] = after + closes.get(end, "")
    found, at = [], 0
    for edge in sorted({0, len(data) // 2, *opens, *closes}):
        found.append(html.escape(data[2 * at : 2 * edge].decode("utf-16-le")))
        found.append(closes.get(edge, "") + opens.get(edge, ""))
        at = edge
    return "".join(found).replace("\u2060", "")


def keyboard(message: Message, *, wide: bool) -> str:
    """The buttons below a message."""
    rows = (message.markup or {}).get("inline_keyboard", [])
    if not rows:
        return ""
    told = "".join(
        "<div>"
        + "".join(
            f'<span class="{button.get("style", "")}">{html.escape(button["text"])}</span>'
            for button in row
        )
        + "</div>"
        for row in rows
    )
    return f'<div class="keys{" wide" if wide else ""}">{told}</div>'


def bubble(message: Message, viewer: Person, album: tuple[Message, ...] = ()) -> str:
    """One message as the viewer has it."""
    content, mine = message.content, message.sender is viewer.user
    photo = content.media is not None and content.media.kind == "photo"
    parts = []
    if not message.chat.private and not mine:
        parts.append(f'<div class="name">{html.escape(message.sender.first_name)}</div>')
    if message.reply_to is not None and message.reply_to.service is None:
        before = message.reply_to
        told = html.escape(before.content.text.split("\n")[0] or "Photo").replace("\u2060", "")
        name = html.escape(before.sender.first_name)
        parts.append(f'<div class="quoted"><b>{name}</b>{told}</div>')
    if album:
        parts.append('<div class="album">' + "".join(map(_image, album)) + "</div>")
    elif photo:
        parts.append(_image(message))
    elif content.media is not None:
        size = len(content.media.upload) // 1024
        parts.append(
            f'<div class="file"><i>↓</i><div>{content.media.name}<br>{size} KB</div></div>'
        )
    if content.text and not album:
        parts.append(f'<div class="words">{words(content.text, content.entities)}</div>')
    for reaction in [each for one in message.reactions.values() for each in one]:
        parts.append(f'<span class="react">{reaction["emoji"]}</span>')
    clock = datetime.fromtimestamp(message.at, UTC).strftime("%H:%M")
    parts.append(f'<div class="time">{clock}</div>')
    kind = "bubble photo" if photo else "bubble"
    return (
        f'<div class="row{" mine" if mine else ""}"><div class="{kind}">{"".join(parts)}</div>'
        f"{keyboard(message, wide=photo)}</div>"
    )


def transcript(chat: Chat, viewer: Person, *, last: int = 0, alert: str = "") -> str:
    """A chat as HTML, the `last` messages of it; `alert` is what popped up."""
    found: list[str] = []
    albums: dict[str, list[Message]] = {}
    shown = [m for m in chat.messages.values() if not m.deleted and m.service is None]
    for message in shown:
        if message.album and message.content.media and message.content.media.kind == "photo":
            albums.setdefault(message.album, []).append(message)
    for message in shown[-last:]:
        album = tuple(albums.get(message.album or "", ()))
        if album and message is not album[0]:
            continue
        found.append(bubble(message, viewer, album))
    title = "" if chat.private else f'<div class="title">{html.escape(chat.title)}</div>'
    popup = f'<div class="alert">{html.escape(alert)}</div>' if alert else ""
    return f"<meta charset=utf-8><style>{STYLE}</style>{title}{''.join(found)}{popup}"


def _image(message: Message) -> str:
    assert message.content.media is not None
    data = base64.b64encode(message.content.media.sizes[-1].data).decode()
    veiled = ' class="veiled"' if message.content.spoiler else ""
    return f'<img{veiled} src="data:image/jpeg;base64,{data}">'


async def show(telegram: Telegram, snap: Callable[..., Any]) -> None:
    """Go through what people do, and take a picture of each state."""
    ann, ben = telegram.person("Ann"), telegram.person("Ben", language="de")
    asked = await ann.says(None, "a lighthouse on the sea at sunset --seed 7 --steps 30 --count 4")
    status = await telegram.answer(asked)
    await telegram.until(lambda: "▰" in status.content.text or status.content.media, "progress")
    await snap("painting", ann.private, ann)
    grid = await telegram.picture(asked)
    await snap("grid", ann.private, ann)
    await (await ann.presses(grid, "Each one")).answered()
    await telegram.until(lambda: telegram.world.posts[-1].album, "an album")
    await snap("album", ann.private, ann, last=4)
    await (await ann.presses(grid, "V2")).answered()

    def varied() -> list[Message]:
        return [each for each in telegram.pictures(grid) if not each.album]

    await telegram.until(varied, "a variation", 60)
    one = varied()[0]
    await snap("variation", ann.private, ann, last=1)
    await (await ann.presses(one, "U2")).answered()
    await telegram.picture(one)
    await telegram.until(lambda: telegram.pictures(one)[-1].content.keyboard, "the buttons")
    await snap("enlarged", ann.private, ann, last=1)
    for button, name in (("Change", "change"), ("320×192", "change-size"), ("Details", "details")):
        await (await ann.presses(one, button)).answered()
        await asyncio.sleep(1.5)
        await snap(name, ann.private, ann, last=2 if name == "details" else 1)
    await (await ann.presses(one, "Back")).answered()
    for word in ("/help", "/history", "/settings", "/models", "/styles", "/usage", "/queue"):
        said = await ann.says(None, word)
        await telegram.until(lambda m=said: telegram.by_bot(ann.private)[-1].id > m.id, word)  # type: ignore[misc]
        await snap(word[1:], ann.private, ann, last=2)
    await telegram.answer(await ann.says(None, "/forget me"))
    await snap("forget", ann.private, ann, last=2)
    said = await ann.says(None, "/imagine")
    await telegram.answer(said)
    await ann.says(None, "/imagine a fox --stpes 4")
    await ann.says(
        None, "a castle in the mountains at night, very long " * 6 + "--spoiler --no fog"
    )
    await telegram.until(lambda: telegram.pictures(chat=ann.private)[-1].content.spoiler, "a veil")
    await snap("refusals-and-veils", ann.private, ann, last=6)
    group = telegram.group("Weekend painters", ann, ben)
    await ben.says(group, "/imagine@atelier_bot a windmill in a meadow --ar 3:2 --style watercolor")
    await telegram.until(lambda: telegram.pictures(chat=group), "the windmill", 60)
    mill = telegram.pictures(chat=group)[-1]
    await (await ann.presses(mill, "Nochmal")).answered()
    await telegram.until(lambda: len(telegram.pictures(chat=group)) == 2, "another one", 60)
    await snap("group", group, ann)
    answer = await (await ann.presses(mill, "a:delete:")).answered()
    await snap("delete", group, ann, last=2, alert=str(answer.get("text")))
    for word in ("/rules", "/budget 20", "/words add spider", "/jobs", "/audit"):
        await telegram.answer(await ann.says(group, word))
    await snap("admin", group, ann, last=10)
    await telegram.answer(await ben.says(group, "/help"))
    await snap("help-de", group, ben, last=1)


async def main(folder: Path) -> None:
    """Write all pictures into `folder`."""
    async with async_playwright() as playwright, open_telegram() as telegram:
        browser = await playwright.chromium.launch(executable_path=browser_path(), args=FLAGS)
        page = await browser.new_page(
            viewport={"width": WIDTH, "height": 300}, device_scale_factor=1.5
        )

        async def snap(name: str, chat: Chat, viewer: Person, **more: Any) -> None:
            await page.set_content(transcript(chat, viewer, **more))
            await page.screenshot(path=folder / f"{name}.png", full_page=True)
            print(folder / f"{name}.png")

        with tempfile.TemporaryDirectory() as data:
            async with open_atelier(telegram, Path(data) / "data", talkative=False) as running:
                await running.warm()
                await show(telegram, snap)
                await asyncio.to_thread(running.server.stop)
        await browser.close()


if __name__ == "__main__":
    chosen = Path(sys.argv[1])
    chosen.mkdir(parents=True, exist_ok=True)
    asyncio.run(main(chosen))
