"""OpenAI's own client against our server: pictures, edits, streams, and every kind of no."""

from __future__ import annotations

import asyncio
import base64
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import openai
import pytest
from PIL import Image

from bot.on_web.app import close_streams
from engine.catalogue import Catalogue
from storage.job import JobState
from storage.jobs import Job
from tests.bot.web_parts import Parts, open_web
from tests.fakes import PLAIN, SQUARES

PAINTER = Catalogue(
    models={"squares": replace(SQUARES, inpainting=True, schedulers=("lcm",)), "plain": PLAIN}
)

WHOLE = Catalogue(models={"squares": replace(SQUARES, inpainting=False), "plain": PLAIN})


@asynccontextmanager
async def client(web: Parts, text: str, **more: object) -> AsyncIterator[openai.AsyncOpenAI]:
    """The official client with a key, as somebody would use it."""
    async with openai.AsyncOpenAI(
        api_key=text, base_url=f"{web.url}/v1", max_retries=0, timeout=30
    ) as made:
        yield made


async def key_of(web: Parts, name: str = "blog", budget: float | None = None) -> str:
    made = await web.keys.add(name, budget)
    assert made is not None
    return made[1]


def png(mode: str = "RGB", colour: object = "red", size: tuple[int, int] = (32, 32)) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, colour).save(out, "PNG")  # type: ignore[arg-type]
    return out.getvalue()


def decoded(text: str | None) -> Image.Image:
    assert text is not None
    return Image.open(io.BytesIO(base64.b64decode(text)))


async def jobs_of(web: Parts, text: str) -> list[Job]:
    key = await web.keys.find(text)
    assert key is not None
    return await web.jobs.of_person(key.person)


async def until_running(web: Parts) -> Job:
    """The job that is being painted, as soon as one is."""
    async with asyncio.timeout(20):
        while (job := await web.jobs.running()) is None:  # noqa: ASYNC110 - nothing else tells it
            await asyncio.sleep(0.01)
    return job


async def until_over(web: Parts, public: str, state: JobState) -> None:
    async with asyncio.timeout(20):
        while (await web.jobs.get(public)).state is not state:  # noqa: ASYNC110 - the same
            await asyncio.sleep(0.01)


async def test_pictures_come_as_bytes_and_as_addresses(tmp_path: Path) -> None:
    """What these programs always send becomes the nearest, and the answer says what that was."""
    async with open_web(tmp_path, offered=PAINTER) as web, client(web, await key_of(web)) as api:
        raw = await api.images.with_raw_response.generate(
            prompt="a fox", model="dall-e-3", size="1792x1024", n=2, quality="hd", style="vivid"
        )
        told = raw.headers["x-atelier-adjusted"]
        for part in ("model=dall-e-3>squares", "size=1792x1024>48x32", "quality=hd>"):
            assert part in told
        assert "style" not in told
        made = raw.parse()
        assert made.data is not None and len(made.data) == 2
        assert (made.size, made.output_format) == ("48x32", "png")
        assert [decoded(each.b64_json).size for each in made.data] == [(48, 32)] * 2
        address = made.data[0].url or ""
        assert address.startswith("https://paint.example.org/whole/")
        async with httpx.AsyncClient(base_url=web.url) as anybody:
            fetched = await anybody.get(address.removeprefix("https://paint.example.org"))
        assert fetched.content == base64.b64decode(made.data[0].b64_json or "")

        plain = await api.images.generate(prompt="a fox", response_format="b64_json", size="auto")
        assert plain.data and plain.data[0].url is None
        linked = await api.images.generate(prompt="a fox", response_format="url")
        assert linked.data and linked.data[0].b64_json is None and linked.data[0].url
        jpeg = await api.images.generate(
            prompt="a fox", output_format="jpeg", output_compression=50, model="squares"
        )
        assert jpeg.data and decoded(jpeg.data[0].b64_json).format == "JPEG"
        ours = await api.images.generate(
            prompt="a fox",
            extra_body={"seed": 7, "steps": 3, "scheduler": "LCM", "negative_prompt": "fog"},
        )
        assert ours.data
        paint = web.painter.painted[-1]
        assert (paint.seed, paint.steps, paint.scheduler) == (7, 3, "lcm")
        assert paint.negative == "fog"


async def test_the_models_are_listed_as_they_are_there(tmp_path: Path) -> None:
    """The default one first; one alone by its name; a name that nobody has is a clear no."""
    async with open_web(tmp_path) as web, client(web, await key_of(web)) as api:
        assert [model.id async for model in api.models.list()] == ["squares", "plain"]
        assert (await api.models.retrieve("plain")).id == "plain"
        with pytest.raises(openai.NotFoundError) as missing:
            await api.models.retrieve("zebra")
        assert missing.value.code == "model_not_found"


async def test_an_edit_paints_where_the_mask_is_transparent(tmp_path: Path) -> None:
    """With a mask, with holes in the picture itself, without either; several keep the first."""
    async with open_web(tmp_path, offered=PAINTER) as web, client(web, await key_of(web)) as api:
        mask = Image.new("RGBA", (32, 32), "black")
        mask.paste((0, 0, 0, 0), (0, 0, 16, 32))
        out = io.BytesIO()
        mask.save(out, "PNG")
        await api.images.edit(image=("a.png", png()), mask=("m.png", out.getvalue()), prompt="b")
        masked = web.painter.painted[-1]
        assert masked.source is not None and (masked.mask or "").startswith("upload:")
        source = web.painter.sources[-1]
        assert source is not None and source.mode == "RGBA"
        assert source.getpixel((4, 16)) == (255, 0, 0, 0)
        assert source.getpixel((28, 16)) == (255, 0, 0, 255)

        await api.images.edit(image=("a.png", out.getvalue()), prompt="b", n=2)
        holed = web.painter.painted[-1]
        assert (holed.mask, holed.count) == ("alpha", 2)

        raw = await api.images.with_raw_response.edit(
            image=[("a.png", png()), ("b.png", png(colour="blue"))], prompt="b"
        )
        assert "image=2 pictures>the first" in raw.headers["x-atelier-adjusted"]
        assert web.painter.painted[-1].mask is None
        whole = web.painter.sources[-1]
        assert whole is not None and whole.convert("RGB").getpixel((0, 0)) == (255, 0, 0)


async def test_a_model_without_masks_paints_the_whole_picture_over(tmp_path: Path) -> None:
    """And says so; one that starts from no picture refuses, before anything is queued."""
    async with open_web(tmp_path, offered=WHOLE) as web, client(web, await key_of(web)) as api:
        holes = png("RGBA", (0, 0, 0, 0))
        raw = await api.images.with_raw_response.edit(
            image=("a.png", png()), mask=("m.png", holes), prompt="b"
        )
        assert "mask=a mask>the whole picture" in raw.headers["x-atelier-adjusted"]
        assert web.painter.painted[-1].mask is None
        with pytest.raises(openai.BadRequestError) as refused:
            await api.images.edit(image=("a.png", png()), prompt="b", model="plain")
        assert (refused.value.code, refused.value.param) == ("unusable", "image")


async def test_a_variation_has_the_words_of_its_picture(tmp_path: Path) -> None:
    """A file of ours tells them; for one that tells nothing they have to be sent."""
    async with open_web(tmp_path) as web, client(web, await key_of(web)) as api:
        made = await api.images.generate(prompt="a red fox", response_format="b64_json")
        assert made.data
        file = base64.b64decode(made.data[0].b64_json or "")
        await api.images.create_variation(image=("a.png", file), n=2)
        varied = web.painter.painted[-1]
        assert (varied.prompt, varied.count) == ("a red fox", 2)
        assert varied.source is not None
        with pytest.raises(openai.BadRequestError) as refused:
            await api.images.create_variation(image=("a.png", png()))
        assert "prompt" in refused.value.message


async def test_a_stream_shows_the_picture_on_its_way(tmp_path: Path) -> None:
    """So many unfinished ones as were asked for, then the finished; a failure is told, too."""
    async with open_web(tmp_path) as web, client(web, await key_of(web)) as api:
        events = await api.images.generate(prompt="a fox", stream=True, partial_images=2, n=2)
        seen = [event async for event in events]
        names = [event.type for event in seen]
        assert names[-2:] == ["image_generation.completed"] * 2
        assert 1 <= names.count("image_generation.partial_image") <= 2
        assert all(decoded(event.b64_json).format == "PNG" for event in seen)

        def broken(_: object) -> None:
            raise RuntimeError("it broke")

        web.painter.fail = broken
        failing = await api.images.edit(image=("a.png", png()), prompt="b", stream=True)
        with pytest.raises(openai.APIError) as failed:
            [event async for event in failing]
        assert "could not be painted" in failed.value.message


async def test_what_the_filter_withholds_is_given_to_nobody(tmp_path: Path) -> None:
    """One of several is left out, all of them are a no; behind a veil they come with a mark."""
    async with (
        open_web(
            tmp_path,
            judge=lambda image: float(image.getpixel((0, 0)) == (8, 0, 0)),  # that of seed 8
            safety_flagged="withhold",
        ) as web,
        client(web, await key_of(web)) as api,
    ):
        some = await api.images.generate(prompt="a fox", n=2, extra_body={"seed": 7})
        assert some.data and len(some.data) == 1
        with pytest.raises(openai.BadRequestError) as refused:
            await api.images.generate(prompt="a fox", extra_body={"seed": 8})
        assert refused.value.code == "content_policy_violation"
    async with (
        open_web(tmp_path, judge=lambda image: 1.0, safety_flagged="spoiler") as web,
        client(web, await key_of(web, "second")) as api,
    ):
        raw = await api.images.with_raw_response.generate(prompt="a fox")
        assert raw.http_response.json()["data"][0]["veiled"] is True


async def test_every_no_is_one_the_client_understands(tmp_path: Path) -> None:
    """The exception it raises, the code and the parameter are those that programs look at."""
    async with open_web(tmp_path) as web, client(web, await key_of(web, budget=1)) as api:
        async with client(web, "sk-nobody") as stranger:
            with pytest.raises(openai.AuthenticationError) as unknown:
                await stranger.models.list()
        assert unknown.value.code == "invalid_api_key"
        for wish, param in (
            ({"prompt": " "}, "prompt"),
            ({"prompt": "x" * 3000}, "prompt"),
            ({"prompt": "x", "size": "large"}, "size"),
            ({"prompt": "x", "response_format": "gif"}, "response_format"),
            ({"prompt": "x", "extra_body": {"steps": "many"}}, "steps"),
        ):
            with pytest.raises(openai.BadRequestError) as refused:
                await api.images.generate(**wish)
            assert refused.value.param == param
        with pytest.raises(openai.NotFoundError) as missing:
            await api.images.generate(prompt="x", model="zebra")
        assert missing.value.code == "model_not_found"
        with pytest.raises(openai.BadRequestError) as unreadable:
            await api.images.edit(image=("a.png", b"no picture"), prompt="x")
        assert unreadable.value.param == "image"
        with pytest.raises(openai.APIStatusError) as large:
            await api.images.edit(image=("a.png", bytes(800_000)), prompt="x")
        assert large.value.status_code == 413
        with pytest.raises(openai.RateLimitError) as over:
            await api.images.generate(prompt="x", n=4)
        assert over.value.code == "insufficient_quota"
        with pytest.raises(openai.NotFoundError):
            await api.chat.completions.create(model="squares", messages=[])
        assert await jobs_of(web, (await key_of(web, "other"))) == []


async def test_whoever_hangs_up_is_not_painted_for(tmp_path: Path) -> None:
    """The job is cancelled and what is left of it costs nothing; with a key of its own it stays."""
    async with open_web(tmp_path) as web:
        text = await key_of(web)
        web.painter.hold()
        async with client(web, text) as api:
            asking = asyncio.create_task(api.images.generate(prompt="a fox"))
            job = await until_running(web)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            async with asyncio.timeout(20):
                while not (await web.jobs.get(job.public)).state.final:
                    web.painter.step()
                    await asyncio.sleep(0.01)
            assert (await web.jobs.get(job.public)).state is JobState.CANCELLED

            kept = {"Idempotency-Key": "order-1"}
            asking = asyncio.create_task(api.images.generate(prompt="a hen", extra_headers=kept))
            job = await until_running(web)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            web.painter.release()
            await until_over(web, job.public, JobState.DONE)
            again = await api.images.with_raw_response.generate(prompt="a hen", extra_headers=kept)
            assert again.headers["x-atelier-job"] == job.public
            assert len([p for p in web.painter.painted if p.prompt == "a hen"]) == 1


async def test_a_request_does_not_wait_for_ever(tmp_path: Path) -> None:
    """After its time it is told so and its job goes; with a key it can be come back for."""
    async with open_web(tmp_path, api_wait=1) as web:
        text = await key_of(web)
        web.painter.hold()
        async with client(web, text) as api:
            with pytest.raises(openai.InternalServerError) as late:
                await api.images.generate(prompt="a fox", extra_headers={"Idempotency-Key": "1"})
            assert (late.value.status_code, late.value.code) == (504, "not_in_time")
            assert "1 seconds" in late.value.message
            (kept,) = await jobs_of(web, text)
            assert not kept.state.final
            # That one is still being painted, so that this one waits.
            with pytest.raises(openai.InternalServerError):
                await api.images.generate(prompt="a hen")
            newest, _ = await jobs_of(web, text)
            assert (newest.state, newest.charge) == (JobState.CANCELLED, 0)
            web.painter.release()
            await until_over(web, kept.public, JobState.DONE)
            web.app.state.waiting.limit_s = 60  # a busy machine may need a second for this, too
            found = await api.images.generate(
                prompt="a fox", extra_headers={"Idempotency-Key": "1"}
            )
            assert found.data


async def test_a_server_that_stops_tells_those_who_wait(tmp_path: Path) -> None:
    """They are told to come again, and what they waited for is not painted for nobody."""
    async with open_web(tmp_path) as web, client(web, await key_of(web)) as api:
        web.painter.hold()
        asking = asyncio.create_task(api.images.generate(prompt="a fox"))
        job = await until_running(web)
        close_streams(web.app)
        with pytest.raises(openai.InternalServerError) as stopping:
            async with asyncio.timeout(20):
                while not asking.done():
                    web.painter.step()
                    await asyncio.sleep(0.01)
            await asking
        assert (stopping.value.status_code, stopping.value.code) == (503, "stopping")
        assert stopping.value.response.headers["retry-after"] == "5"
        assert (await web.jobs.get(job.public)).state is JobState.CANCELLED


async def test_who_asks_for_many_at_once_gets_them_one_after_the_other(tmp_path: Path) -> None:
    """Beyond what one person may have in line, requests are held back, not refused."""
    async with open_web(tmp_path, waiting_per_person=2) as web:
        text = await key_of(web)
        async with client(web, text) as api:
            web.painter.hold()
            many = [
                asyncio.create_task(api.images.generate(prompt="a fox", extra_body={"seed": seed}))
                for seed in range(7)
            ]
            first = await until_running(web)
            key = await web.keys.find(text)
            assert key is not None
            async with asyncio.timeout(20):
                while await web.jobs.waiting(key.person) < 2:  # noqa: ASYNC110 - the same
                    await asyncio.sleep(0.01)
            many[-1].cancel()
            web.painter.release()
            made = await asyncio.gather(*many[:-1])
            assert all(each.data for each in made)
            assert (await web.jobs.get(first.public)).state is JobState.DONE
            assert {job.state for job in await jobs_of(web, text)} <= {"done", "cancelled"}


async def test_a_line_that_is_too_long_is_refused_at_once(tmp_path: Path) -> None:
    """Who could not live to see it is told when to come again, and leaves nothing in the line."""
    async with open_web(tmp_path, api_wait=5, budget=1000) as web:
        text = await key_of(web)
        async with client(web, text) as api, web.visitor() as visitor:
            for _ in range(2):  # once the second is painted, it is known how long the first took
                await api.images.generate(prompt="a fox")
            web.painter.hold()
            ask = {"prompt": "a fox", "count": 4, "steps": 50}
            assert (await visitor.post("/api/jobs", json=ask)).status_code == 202
            await until_running(web)
            with pytest.raises(openai.InternalServerError) as refused:
                await api.images.generate(prompt="a hen")
            assert (refused.value.status_code, refused.value.code) == (503, "line_too_long")
            assert int(refused.value.response.headers["retry-after"]) >= 1
            job = (await jobs_of(web, text))[0]
            assert (job.state, job.charge) == (JobState.CANCELLED, 0)


async def test_keys_do_not_see_each_other_and_end_when_they_are_revoked(tmp_path: Path) -> None:
    """Each is a person of its own, with a budget of its own."""
    async with open_web(tmp_path, budget=2) as web:
        one, two = await key_of(web, "one"), await key_of(web, "two", budget=5)
        async with client(web, one) as first, client(web, two) as second:
            for _ in range(2):
                await first.images.generate(prompt="a fox")
            with pytest.raises(openai.RateLimitError):
                await first.images.generate(prompt="a fox")
            for _ in range(3):
                await second.images.generate(prompt="a fox")
            await web.keys.revoke("two")
            with pytest.raises(openai.AuthenticationError):
                await second.images.generate(prompt="a fox")
            key = await web.keys.find(one)
            assert key is not None
            asker = await web.studio.asker("api", key.public, place="api")
            other = await web.jobs.of_person(key.person + 1)
            for job in other:
                assert job.private
            assert (await web.studio.queue(asker)).waiting == 0


async def test_a_door_is_closed_to_programs_without_a_key(tmp_path: Path) -> None:
    """Where the page has a password nobody is a guest; where it has none, an address is one."""
    async with (
        open_web(tmp_path / "closed", password="secret") as web,
        httpx.AsyncClient(base_url=web.url) as nobody,
    ):
        refused = await nobody.post("/v1/images/generations", json={"prompt": "a fox"})
        assert refused.status_code == 401
        assert refused.json()["error"]["code"] == "invalid_api_key"
        assert "set-cookie" not in refused.headers
    async with (
        open_web(tmp_path / "open", address_budget=2) as web,
        httpx.AsyncClient(base_url=web.url, timeout=30) as guest,
    ):
        answers = [
            await guest.post("/v1/images/generations", json={"prompt": "a fox"}) for _ in range(3)
        ]
        assert [each.status_code for each in answers] == [200, 200, 429]
        wrong = {"Authorization": "Bearer sk-atelier-nothing"}
        assert (await guest.get("/v1/models", headers=wrong)).status_code == 401
        elsewhere = {"Origin": "https://elsewhere.example"}
        assert (await guest.get("/v1/models", headers={"Host": "x.example"})).status_code == 403
        crossing = await guest.post(
            "/v1/images/generations", json={"prompt": "a fox"}, headers=elsewhere
        )
        assert crossing.status_code == 403
        assert crossing.json()["error"]["type"] == "permission_error"
        known = {"Authorization": f"Bearer {await key_of(web)}", "Host": "x.example"}
        assert (await guest.get("/v1/models", headers=known)).status_code == 200
