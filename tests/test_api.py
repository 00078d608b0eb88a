"""The real process for programs: keys made beside it, its own model, deaths and the end."""

from __future__ import annotations

import base64
import io
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing

import httpx
import openai
import pytest
from PIL import Image

from bot import cli
from tests.serving import Serving, serving

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(
        tmp_path_factory.mktemp("api") / "data", ATELIER_WEB_PASSWORD="for people"
    ) as made:
        made.wait_until_ready()
        yield made


def keys(server: Serving, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """`atelier keys …` beside the server."""
    monkeypatch.setenv("ATELIER_DATA", str(server.data))
    return cli.main(["keys", *arguments])


def made_key(
    server: Serving,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *arguments: str,
) -> str:
    assert keys(server, monkeypatch, "add", *arguments) == 0
    return capsys.readouterr().out.strip()


def test_keys_are_made_and_revoked_beside_a_running_server(
    server: Serving, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A new one works at once, a revoked one no more; the listing tells no secret."""
    text = made_key(server, monkeypatch, capsys, "blog", "--budget", "7.5")
    with openai.OpenAI(api_key=text, base_url=f"{server.url}/v1", max_retries=0) as client:
        assert [model.id for model in client.models.list()] == ["starter"]
        assert keys(server, monkeypatch, "add", " blog ") == 1
        assert "already" in capsys.readouterr().err
        assert keys(server, monkeypatch, "list") == 0
        listed = capsys.readouterr().out
        assert "blog" in listed and "7.5" in listed and "in use" in listed
        assert text not in listed and text.rpartition("-")[2] not in listed
        assert keys(server, monkeypatch, "revoke", "blog", "nobody") == 1
        assert "'nobody'" in capsys.readouterr().err
        with pytest.raises(openai.AuthenticationError):
            client.models.list()
    with pytest.raises(SystemExit):
        keys(server, monkeypatch, "add", "x", "--budget", "nan")
    with pytest.raises(SystemExit):
        keys(server, monkeypatch, "add", "\x07")


def test_the_real_model_paints_edits_and_varies(
    server: Serving, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same seed is the same picture, over either API; an edit starts from it."""
    text = made_key(server, monkeypatch, capsys, "painter")
    with openai.OpenAI(api_key=text, base_url=f"{server.url}/v1", max_retries=0) as client:
        made = client.images.generate(
            prompt="a lighthouse on the sea at sunset",
            model="gpt-image-1",
            size="1024x1024",
            quality="high",
            extra_body={"seed": 7},
        )
        assert made.data
        png = base64.b64decode(made.data[0].b64_json or "")
        picture = Image.open(io.BytesIO(png))
        assert picture.size == (256, 256)
        edited = client.images.edit(
            image=("a.png", png), prompt="a lighthouse on the sea at night", n=2
        )
        assert edited.data and len(edited.data) == 2
        varied = client.images.create_variation(image=("a.png", png))
        assert varied.data
        assert httpx.get(made.data[0].url or "").content == png
    wish = {"prompt": "a lighthouse on the sea at sunset", "seed": 7, "width": 512, "height": 512}
    answer = httpx.post(
        f"{server.url}/sdapi/v1/txt2img", json=wish, auth=("atelier", text), timeout=60
    )
    again = Image.open(io.BytesIO(base64.b64decode(answer.json()["images"][0])))
    assert again.tobytes() == picture.tobytes()


def test_what_nobody_waits_for_any_more_is_not_painted_after_a_death(
    server: Serving, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a kill cut off is let go at the start, but for what its caller can come back for."""
    text = made_key(server, monkeypatch, capsys, "restless")
    headers = {"Authorization": f"Bearer {text}"}
    answers: list[int | str] = []

    def ask(key: str | None) -> None:
        more = {} if key is None else {"Idempotency-Key": key}
        wish = {"prompt": "a boat on the sea", "n": 2, "steps": 30}
        try:
            answer = httpx.post(
                f"{server.url}/v1/images/generations",
                json=wish,
                headers=headers | more,
                timeout=90,
            )
            answers.append(answer.json().get("error", {}).get("code", answer.status_code))
        except httpx.TransportError:
            answers.append("cut off")

    def asking(*names: str | None) -> list[threading.Thread]:
        found = [threading.Thread(target=ask, args=(name,)) for name in names]
        for thread in found:
            thread.start()
        server.until(lambda: waiting() >= len(names))
        return found

    def waiting() -> int:
        found = httpx.get(f"{server.url}/sdapi/v1/progress", headers=headers).json()
        return int(found["state"]["job_count"])

    threads = asking(None, "kept", None)
    server.kill()
    for thread in threads:
        thread.join()
    assert answers == ["cut off"] * 3
    server.start()
    answers.clear()
    ask("kept")  # it was painted for whoever would come back
    assert answers == [200]
    with closing(sqlite3.connect(server.data / "atelier.sqlite")) as db:
        sql = "SELECT state, COUNT(*) FROM jobs WHERE request LIKE '%a boat%' GROUP BY state"
        assert dict(db.execute(sql).fetchall()) == {"done": 1, "cancelled": 2}
    log = server.log.read_text(encoding="utf-8")
    assert "Traceback" not in log
    assert text not in log
