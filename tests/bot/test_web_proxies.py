"""Behind a reverse proxy everybody counts as themselves, and nobody can pretend to be another."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.on_web.proxies import parsed
from bot.settings import SettingsError, load
from tests.bot.web_parts import open_web

PASSWORD = "open sesame"


def _from(address: str) -> dict[str, str]:
    return {"X-Forwarded-For": address}


async def test_one_who_guesses_locks_out_only_themselves(tmp_path: Path) -> None:
    """Wrong passwords count for the address that the trusted proxy saw, not for the proxy's."""
    async with open_web(tmp_path, password=PASSWORD, trusted_proxies="127.0.0.1") as web:
        for _ in range(6):
            async with web.visitor(**_from("203.0.113.5")) as guessing:
                answer = await guessing.post("/sign-in", data={"password": "please"})
        assert answer.status_code == 429
        async with web.visitor(**_from("203.0.113.6")) as other:
            answer = await other.post("/sign-in", data={"password": PASSWORD})
            assert answer.status_code == 303


async def test_nobody_escapes_by_claiming_to_be_forwarded(tmp_path: Path) -> None:
    """Without a trusted proxy the header is air: the one who sends it stays who they are."""
    async with open_web(tmp_path, password=PASSWORD) as web:
        for number in range(6):
            async with web.visitor(**_from(f"203.0.113.{number}")) as guessing:
                answer = await guessing.post("/sign-in", data={"password": "please"})
        assert answer.status_code == 429


async def test_what_a_visitor_wrote_before_the_proxy_is_not_believed(tmp_path: Path) -> None:
    """A proxy appends to the list: only the address it saw itself counts, not what stood before."""
    async with open_web(tmp_path, password=PASSWORD, trusted_proxies="127.0.0.1,10.0.0.0/8") as web:
        for number in range(6):
            claimed = f"198.51.100.{number}, 203.0.113.5, 10.1.2.3"
            async with web.visitor(**_from(claimed)) as guessing:
                answer = await guessing.post("/sign-in", data={"password": "please"})
        assert answer.status_code == 429


async def test_visitors_behind_a_proxy_have_budgets_of_their_own(tmp_path: Path) -> None:
    """The ceiling of an address holds for the visitor's, however many share the proxy."""
    async with open_web(
        tmp_path, trusted_proxies="127.0.0.1", budget="1", address_budget="1"
    ) as web:
        ask = {"prompt": "a fox"}
        async with web.visitor(**_from("203.0.113.5")) as first:
            assert (await first.post("/api/jobs", json=ask)).status_code == 202
        async with web.visitor(**_from("203.0.113.5")) as same:
            assert (await same.post("/api/jobs", json=ask)).status_code == 429
        async with web.visitor(**_from("203.0.113.6")) as other:
            assert (await other.post("/api/jobs", json=ask)).status_code == 202


@pytest.mark.parametrize(
    ("trusted", "scheme", "secure"),
    [("127.0.0.1", "https", True), ("127.0.0.1", "http", False), ("", "https", False)],
)
async def test_over_https_the_cookie_is_secure(
    tmp_path: Path, trusted: str, scheme: str, secure: bool
) -> None:
    """The proxy says how the visitor came; a visitor who says so themselves changes nothing."""
    async with (
        open_web(tmp_path, trusted_proxies=trusted) as web,
        web.visitor(**{"X-Forwarded-Proto": scheme}) as visitor,
    ):
        answer = await visitor.get("/")
        assert ("; Secure" in answer.headers["set-cookie"]) is secure


async def test_streams_tell_proxies_not_to_hold_them_back(tmp_path: Path) -> None:
    """The header that nginx and others go by is on every event stream."""
    async with (
        open_web(tmp_path) as web,
        web.visitor() as visitor,
        visitor.stream("GET", "/api/events") as stream,
    ):
        assert stream.headers["x-accel-buffering"] == "no"
        assert stream.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("203.0.113.5", "203.0.113.5"),
        (" 203.0.113.5:4711", "203.0.113.5"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("::ffff:203.0.113.5", "203.0.113.5"),
        ("unknown", "None"),
        ("", "None"),
        ("203.0.113.5;x", "None"),
    ],
)
def test_addresses_are_read_in_every_usual_form(text: str, address: str) -> None:
    """With ports, in brackets, as IPv6; anything else is no address."""
    assert str(parsed(text)) == address


def test_a_wrong_network_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """The setting says what it wants, also for a network with bits of a host."""
    for wrong in ("everybody", "10.0.0.1/8"):
        monkeypatch.setenv("ATELIER_TRUSTED_PROXIES", wrong)
        with pytest.raises(SettingsError, match=r"ATELIER_TRUSTED_PROXIES=.*10\.0\.0\.0/8"):
            load()
