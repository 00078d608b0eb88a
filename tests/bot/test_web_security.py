"""What stands before the page: other sites, other names, large bodies, forged cookies, the door."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.on_web.guard import Bounds, refusal_of
from bot.on_web.session import (
    COOKIE,
    KEPT_S,
    RENEWED_S,
    Sessions,
    Tries,
    address_group,
    keep_secret,
    read_secret,
)
from tests.bot.web_parts import Parts, open_web

ASK = {"prompt": "a fox"}


@pytest.fixture
async def web(tmp_path: Path) -> AsyncIterator[Parts]:
    async with open_web(tmp_path) as parts:
        yield parts


# Other sites


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://elsewhere.example"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "null"},
        {"Origin": "http://[broken"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_other_sites_change_nothing(web: Parts, headers: dict[str, str]) -> None:
    """A page elsewhere, also one on another port of this machine, cannot submit."""
    async with web.visitor(**headers) as visitor:
        answer = await visitor.post("/api/jobs", json=ASK)
        assert (answer.status_code, answer.json()["code"]) == (403, "other_site")
        assert "set-cookie" not in answer.headers


async def test_our_own_page_and_programs_may(web: Parts) -> None:
    """The page sends its own origin, programs send none."""
    own = {"Origin": web.url, "Sec-Fetch-Site": "same-origin"}
    async with web.visitor(**own) as page, web.visitor() as program:
        assert (await page.post("/api/jobs", json=ASK)).status_code == 202
        assert (await program.post("/api/jobs", json=ASK)).status_code == 202


async def test_other_sites_show_nothing_of_ours_but_may_link(web: Parts) -> None:
    """An <img> elsewhere gets nothing; a link that somebody follows works."""
    async with web.visitor(**{"Sec-Fetch-Site": "cross-site"}) as visitor:
        hotlink = {"Sec-Fetch-Dest": "image"}
        assert (await visitor.get("/api/me", headers=hotlink)).status_code == 403
        followed = {"Sec-Fetch-Dest": "document"}
        assert (await visitor.get("/", headers=followed)).status_code == 200


async def test_a_proxied_page_may(tmp_path: Path) -> None:
    """Behind a proxy the origin is the public address, also if the proxy rewrites Host."""
    bounds = Bounds.for_address(
        "127.0.0.1", "https://paint.example.org", password=False, upload_bytes=10
    )
    for host in ("paint.example.org", "127.0.0.1:7860"):
        assert refusal_of(_post(host, "https://paint.example.org"), bounds, 10) is None
    assert refusal_of(_post("paint.example.org", "https://x.example.org"), bounds, 10) == (
        403,
        "other_site",
    )


# Other names


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:7860", "127.0.0.1.evil.example", ""]
)
async def test_other_names_are_not_answered(web: Parts, host: str) -> None:
    """Or a page elsewhere could point its own name here and read everything (DNS rebinding)."""
    async with web.visitor() as visitor:
        answer = await visitor.get("/", headers={"Host": host})
        assert answer.status_code in (400, 403)


@pytest.mark.parametrize(
    ("listening", "password", "host", "answered"),
    [
        ("127.0.0.1", False, "localhost:7860", True),
        ("127.0.0.1", False, "[::1]:7860", True),
        ("127.0.0.1", True, "evil.example", False),
        ("192.168.1.5", False, "192.168.1.5:7860", True),
        ("192.168.1.5", False, "evil.example", False),
        ("0.0.0.0", True, "my-nas.local:7860", True),
    ],
)
def test_which_names_are_ours(listening: str, password: bool, host: str, answered: bool) -> None:
    """Loopback names and the configured ones; any name where a password stands before it all."""
    bounds = Bounds.for_address(listening, None, password=password, upload_bytes=10)
    assert (refusal_of(_post(host, None), bounds, 10) is None) is answered


def _post(host: str, origin: str | None) -> dict[str, object]:
    headers = [(b"host", host.encode())]
    if origin is not None:
        headers.append((b"origin", origin.encode()))
    return {"type": "http", "method": "POST", "path": "/api/jobs", "headers": headers}


# Bodies and headers


async def test_large_bodies_are_refused_before_they_are_read(web: Parts) -> None:
    """By the length they announce, and by counting what comes when they announce none."""

    async def unannounced() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield bytes(16_384)

    async with web.visitor() as visitor:
        for path in ("/api/jobs", "/api/sources"):
            for content in (bytes(600_000), unannounced()):
                answer = await visitor.post(path, content=content)
                assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


@pytest.mark.parametrize("path", ["/", "/api/me", "/api/nothing", "/static/app.js", "/healthz"])
async def test_security_headers_are_everywhere(web: Parts, path: str) -> None:
    """No script but our own files, no frame around us, no guessing of types."""
    async with web.visitor() as visitor:
        headers = (await visitor.get(path)).headers
    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"


async def test_headers_are_on_refusals_too(web: Parts) -> None:
    """What the guard says itself is no exception."""
    async with web.visitor() as visitor:
        answer = await visitor.get("/", headers={"Host": "evil.example"})
        assert "content-security-policy" in answer.headers


# Persons


async def test_the_cookie_is_a_person(web: Parts) -> None:
    """Made on the first visit, signed, out of reach of scripts, and kept."""
    async with web.visitor() as visitor:
        first = await visitor.get("/")
        cookie = first.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert "Secure" not in cookie
        assert "set-cookie" not in (await visitor.get("/")).headers
        job = (await visitor.post("/api/jobs", json=ASK)).json()["id"]
        value = visitor.cookies[COOKIE]
    async with web.visitor(Cookie=f"other=x; {COOKIE}={value}") as same:
        assert (await same.get(f"/api/jobs/{job}")).status_code == 200
    async with web.visitor(Cookie=f"{COOKIE}={value[:-2]}xx") as forged:
        answer = await forged.get(f"/api/jobs/{job}")
        assert answer.status_code == 404
        assert COOKIE in answer.headers["set-cookie"]


def test_behind_https_the_cookie_is_secure() -> None:
    """It then travels encrypted only."""
    sessions = Sessions(secret=b"s" * 32, secure=True)
    assert sessions.cookie(sessions.visitor("", "127.0.0.1")).endswith("; Secure")


def test_a_cookie_is_renewed_before_it_ends() -> None:
    """Whoever comes now and then stays the same person for ever."""
    early = Sessions(secret=b"s" * 32)
    header = early.cookie(early.visitor("", None)).partition(";")[0]
    known = early.visitor(header, None)
    assert not known.fresh
    later = Sessions(secret=b"s" * 32, clock=lambda: time.time() + RENEWED_S + 1)
    assert later.visitor(header, None).fresh
    assert later.visitor(header, None).external == known.external
    assert RENEWED_S < KEPT_S


def test_secrets_are_for_their_owner_only(tmp_path: Path) -> None:
    """Kept over restarts, readable by nobody else, never there by half."""
    first = read_secret(tmp_path)
    assert read_secret(tmp_path) == first
    assert [oct(file.stat().st_mode & 0o777) for file in tmp_path.iterdir()] == ["0o600"]
    keep_secret(tmp_path / "other", b"x")
    assert (tmp_path / "other").read_bytes() == b"x"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("fe80::1%eth0", "fe80::2", True),
    ],
)
def test_which_addresses_share_a_ceiling(one: str, other: str, same: bool) -> None:
    """One IPv4 address, or one /64 of IPv6: nobody gets a new budget by counting up."""
    assert (address_group(one) == address_group(other)) is same


def test_addresses_are_not_kept_in_clear() -> None:
    """What is stored is a digest with our secret."""
    visitor = Sessions(secret=b"s" * 32).visitor("", "192.0.2.1")
    assert "192" not in visitor.address
    assert visitor.address == Sessions(secret=b"s" * 32).visitor("", "192.0.2.1").address
    assert visitor.address != Sessions(secret=b"t" * 32).visitor("", "192.0.2.1").address


# The door


async def test_behind_a_password_nothing_is_shown(tmp_path: Path) -> None:
    """Pages lead to the door, the API says 401, health stays open."""
    async with open_web(tmp_path, password="open sesame") as web, web.visitor() as visitor:
        page = await visitor.get("/")
        assert (page.status_code, page.headers["location"]) == (303, "/sign-in")
        for path in ("/api/me", "/api/jobs", "/api/models", "/api/events"):
            answer = await visitor.get(path)
            assert (answer.status_code, answer.json()["code"]) == (401, "sign_in_needed")
        assert (await visitor.get("/healthz")).status_code == 200


async def test_the_password_opens_the_door_and_another_one_closes_it(tmp_path: Path) -> None:
    """Signed in once is enough, until the password changes; the person stays the same."""
    async with open_web(tmp_path, password="open sesame") as web, web.visitor() as visitor:
        wrong = await visitor.post("/sign-in", data={"password": "please"})
        assert wrong.status_code == 401
        assert "not the password" in wrong.text
        right = await visitor.post("/sign-in", data={"password": "open sesame"})
        assert (right.status_code, right.headers["location"]) == (303, "/")
        assert (await visitor.get("/")).status_code == 200
        assert (await visitor.get("/api/me")).status_code == 200
        cookie = f"{COOKIE}={visitor.cookies[COOKIE]}"
        assert (await visitor.get("/sign-in")).status_code == 303
    same = Sessions(secret=read_secret(tmp_path), password="open sesame").visitor(cookie, None)
    other = Sessions(secret=read_secret(tmp_path), password="new").visitor(cookie, None)
    assert (same.inside, other.inside) == (True, False)
    assert same.external == other.external


async def test_a_cookie_from_before_the_password_does_not_open_the_door(tmp_path: Path) -> None:
    """Being known is not being let in."""
    free = Sessions(secret=b"s" * 32)
    cookie = free.cookie(free.visitor("", None)).partition(";")[0]
    assert free.visitor(cookie, None).inside
    assert not Sessions(secret=b"s" * 32, password="x").visitor(cookie, None).inside


async def test_guessing_has_to_wait(tmp_path: Path) -> None:
    """After five wrong passwords even the right one waits, and the visitor is told how long."""
    async with open_web(tmp_path, password="open sesame") as web:
        for _ in range(5):
            async with web.visitor() as visitor:  # a new cookie makes no new address
                await visitor.post("/sign-in", data={"password": "please"})
        async with web.visitor() as visitor:
            answer = await visitor.post("/sign-in", data={"password": "open sesame"})
            assert answer.status_code == 429
            assert int(answer.headers["retry-after"]) > 60


async def test_guessing_at_the_same_time_has_to_wait_too(tmp_path: Path) -> None:
    """However many passwords are on their way before the first of them is found to be wrong."""
    async with open_web(tmp_path, password="open sesame") as web, web.visitor() as visitor:
        begun = asyncio.Barrier(12)

        async def slowly() -> AsyncIterator[bytes]:
            yield b"password="
            await visitor.get("/healthz")  # the server has had what came before this
            await begun.wait()
            yield b"please"

        answers = await asyncio.gather(
            *(visitor.post("/sign-in", content=slowly()) for _ in range(begun.parties))
        )
        assert sorted(answer.status_code for answer in answers) == [401] * 5 + [429] * 7


def test_tries_are_forgotten_with_time() -> None:
    """The window rolls; other addresses are not concerned."""
    now = [0.0]
    tries = Tries(limit=2, window_s=10, clock=lambda: now[0])
    for now[0] in (0.0, 4.0):
        tries.note("a")
    assert tries.frees_at("a") == 10.0
    assert tries.frees_at("b") is None
    now[0] = 10.0
    assert tries.frees_at("a") is None


# People who leave


async def test_who_leaves_in_the_middle_of_an_upload_breaks_nothing(web: Parts) -> None:
    """No error comes of it, which would fill the log: nobody did anything wrong."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "path": "/api/sources",
        "raw_path": b"/api/sources",
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "headers": [(b"host", b"127.0.0.1"), (b"content-length", b"900")],
        "client": ("127.0.0.1", 5000),
        "server": ("127.0.0.1", 80),
    }
    half = [{"type": "http.request", "body": b"half", "more_body": True}]
    sent: list[object] = []

    async def receive() -> dict[str, object]:
        return half.pop() if half else {"type": "http.disconnect"}

    async def send(message: object) -> None:
        sent.append(message)

    await web.app(scope, receive, send)
    assert half == []
