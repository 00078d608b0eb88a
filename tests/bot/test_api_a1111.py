"""What tools for the A1111 API send and read: pictures, masks, progress, options, enlarging."""

from __future__ import annotations

import asyncio
import base64
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
from PIL import Image

from engine.catalogue import Catalogue
from tests.bot.web_parts import Parts, open_web
from tests.fakes import PLAIN, SQUARES

PAINTER = Catalogue(
    models={
        "squares": replace(SQUARES, inpainting=True, schedulers=("lcm", "euler"), scheduler="lcm"),
        "plain": PLAIN,
    }
)
USUAL = {
    "prompt": "a fox <lora:detail:0.8>",
    "negative_prompt": "fog",
    "styles": [],
    "seed": -1,
    "subseed": -1,
    "sampler_name": "Euler a",
    "batch_size": 2,
    "n_iter": 1,
    "steps": 150,
    "cfg_scale": 7,
    "width": 512,
    "height": 768,
    "restore_faces": False,
    "tiling": None,
    "override_settings": {"sd_model_checkpoint": "v1-5-pruned.safetensors [6ce0161689]"},
    "alwayson_scripts": {},
    "save_images": False,
}
"""What such tools send for every picture, whatever somebody asked for."""


@asynccontextmanager
async def tool(web: Parts, auth: str | None = "password") -> AsyncIterator[httpx.AsyncClient]:
    """A tool with its key, where it has room for one: as the password, the name, or a token."""
    made = await web.keys.add(f"tool {auth}")
    assert made is not None
    basic = {"password": ("anything", made[1]), "name": (made[1], "")}.get(auth or "")
    headers = {"Authorization": f"Bearer {made[1]}"} if auth == "token" else {}
    async with httpx.AsyncClient(
        base_url=f"{web.url}/sdapi/v1", auth=basic, headers=headers, timeout=30
    ) as client:
        yield client


def png(mode: str = "RGB", colour: Any = "red", size: tuple[int, int] = (32, 32)) -> str:
    out = io.BytesIO()
    Image.new(mode, size, colour).save(out, "PNG")
    return base64.b64encode(out.getvalue()).decode()


def decoded(text: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(text)))


async def asked(client: httpx.AsyncClient, path: str, **wish: Any) -> dict[str, Any]:
    answer = await client.post(path, json=wish)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_what_tools_always_send_is_painted_and_reported(tmp_path: Path) -> None:
    """Sizes, steps, samplers and checkpoints of other models become the nearest that is here."""
    async with open_web(tmp_path, offered=PAINTER, budget=500) as web, tool(web) as client:
        answer = await client.post("/txt2img", json=USUAL)
        made = answer.json()
        assert [decoded(each).size for each in made["images"]] == [(32, 48)] * 2
        assert made["parameters"]["steps"] == 150
        info = json.loads(made["info"])
        assert (info["prompt"], info["steps"], info["cfg_scale"]) == ("a fox", 50, 7.0)
        assert (info["width"], info["height"], info["sampler_name"]) == (32, 48, "Euler")
        assert info["sd_model_name"] == "squares"
        assert len(set(info["all_seeds"])) == len(info["infotexts"]) == 2
        assert "Steps: 50" in info["infotexts"][0]
        adjusted = {each["field"]: each["used"] for each in info["atelier_adjusted"]}
        assert adjusted == {
            "model": "squares",
            "prompt": "",
            "size": "32x48",
            "steps": "50",
            "scheduler": "Euler",
        }
        assert "steps=150>50" in answer.headers["x-atelier-adjusted"]
        again = await asked(
            client, "/txt2img", prompt="a fox", seed=info["seed"], width=32, height=48
        )
        assert json.loads(again["info"])["atelier_adjusted"] == []
        larger = await asked(
            client, "/txt2img", prompt="a fox", enable_hr=True, hr_scale=2.0, hr_upscaler="Latent"
        )
        assert decoded(larger["images"][0]).size == (64, 64)
        quiet = await asked(client, "/txt2img", prompt="a fox", send_images=False)
        assert quiet["images"] == []
        styled = await asked(client, "/txt2img", prompt="a fox", styles=["neon", "unheard of"])
        assert "neon" in json.loads(styled["info"])["prompt"]


async def test_a_picture_is_painted_over_where_its_mask_is_white(tmp_path: Path) -> None:
    """Or black, if that is asked for; whole without a mask; nothing is fetched from an address."""
    async with open_web(tmp_path, offered=PAINTER, budget=500) as web, tool(web, "token") as client:
        mask = Image.new("L", (32, 32), 0)
        mask.paste(255, (0, 0, 16, 32))
        out = io.BytesIO()
        mask.save(out, "PNG")
        half = base64.b64encode(out.getvalue()).decode()
        source = f"data:image/png;base64,{png()}"
        for inverted, open_at in ((0, (4, 16)), (1, (28, 16))):
            await asked(
                client,
                "/img2img",
                prompt="b",
                init_images=[source],
                mask=half,
                inpainting_mask_invert=inverted,
                denoising_strength=0.5,
            )
            given = web.painter.sources[-1]
            assert given is not None and given.mode == "RGBA"
            assert given.getpixel(open_at) == (255, 0, 0, 0)
            assert given.getpixel((32 - open_at[0], 16)) == (255, 0, 0, 255)
            assert web.painter.painted[-1].strength == 0.5
        whole = await asked(client, "/img2img", prompt="b", init_images=[png(size=(96, 64))])
        paint = web.painter.painted[-1]
        assert (paint.mask, paint.strength, paint.width, paint.height) == (None, 0.75, 48, 32)
        assert json.loads(whole["info"])["denoising_strength"] == 0.75
        wishes: tuple[dict[str, Any], ...] = (
            {},
            {"init_images": []},
            {"init_images": ["http://127.0.0.1/a.png"]},
            {"init_images": ["%%%"]},
            {"init_images": [base64.b64encode(b"no picture").decode()]},
            {"init_images": [png()], "mask": "%%%"},
            {"init_images": [png()], "steps": "many"},
        )
        for wish in wishes:
            refused = await client.post("/img2img", json={"prompt": "b", **wish})
            assert refused.status_code == 422, wish
            assert refused.json()["detail"] and refused.json()["error"]


async def test_a_tool_sees_how_far_it_is_and_can_interrupt(tmp_path: Path) -> None:
    """The share, the step and a picture as PNG; an interrupted request answers with none."""
    async with open_web(tmp_path) as web, tool(web, "name") as client, tool(web) as other:
        idle = (await client.get("/progress")).json()
        assert (idle["progress"], idle["current_image"]) == (0, None)
        web.painter.hold()
        asking = asyncio.create_task(client.post("/txt2img", json={"prompt": "a fox"}))
        web.painter.step()
        async with asyncio.timeout(20):
            while not (now := (await client.get("/progress")).json())["progress"]:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert now["progress"] == 0.25
        assert (now["state"]["sampling_step"], now["state"]["sampling_steps"]) == (1, 4)
        assert decoded(now["current_image"]).format == "PNG"
        without = await client.get("/progress", params={"skip_current_image": "true"})
        assert without.json()["current_image"] is None
        assert (await other.get("/progress")).json()["progress"] == 0
        await other.post("/interrupt")
        interrupting = asyncio.create_task(client.post("/interrupt"))
        async with asyncio.timeout(20):
            while not interrupting.done() or not asking.done():
                web.painter.step()
                await asyncio.sleep(0.01)
        made = (await asking).json()
        assert made["images"] == []
        assert (await web.jobs.get(json.loads(made["info"])["atelier_job"])).state == "cancelled"


async def test_the_chosen_checkpoint_is_that_of_the_key_alone(tmp_path: Path) -> None:
    """It paints what names no model, and stays over requests; other options are passed over."""
    async with open_web(tmp_path) as web, tool(web) as client, tool(web, "token") as other:
        names = [model["title"] for model in (await client.get("/sd-models")).json()]
        assert names == ["squares", "plain"]
        answer = await client.post(
            "/options", json={"sd_model_checkpoint": "plain", "CLIP_stop_at_last_layers": 2}
        )
        assert (answer.status_code, answer.json()) == (200, None)
        assert answer.headers["x-atelier-adjusted"] == "CLIP_stop_at_last_layers=2>"
        for each, name in ((client, "plain"), (other, "squares")):
            assert (await each.get("/options")).json()["sd_model_checkpoint"] == name
            await asked(each, "/txt2img", prompt="a fox")
            assert web.painter.painted[-1].model == name
        unknown = await client.post("/options", json={"sd_model_checkpoint": "zebra"})
        assert (unknown.status_code, unknown.json()["error"]) == (422, "unknown_model")


async def test_pictures_are_enlarged_by_the_nearest_scale(tmp_path: Path) -> None:
    """By a factor or to a size, one or several; with a network of ours, if its name is known."""
    async with open_web(tmp_path, budget=500) as web, tool(web) as client:
        answer = await client.post(
            "/extra-single-image",
            json={"image": png(), "upscaling_resize": 3.7, "upscaler_1": "R-ESRGAN 4x+"},
        )
        assert decoded(answer.json()["image"]).size == (128, 128)
        told = answer.headers["x-atelier-adjusted"]
        assert "upscaling_resize=3.7>4" in told and "upscaler=R-ESRGAN 4x+>crisp" in told
        sized = await asked(
            client,
            "/extra-single-image",
            image=png(),
            resize_mode=1,
            upscaling_resize_w=96,
            upscaling_resize_h=64,
            upscaler_1="Mend",
        )
        assert decoded(sized["image"]).size == (96, 96)
        several = await asked(
            client,
            "/extra-batch-images",
            imageList=[{"data": png(), "name": "a.png"}, {"data": png(), "name": "b.png"}],
        )
        assert [decoded(each).size for each in several["images"]] == [(64, 64)] * 2
        for wish in ({"image": ""}, {"image": png(), "upscaling_resize": 0}):
            assert (await client.post("/extra-single-image", json=wish)).status_code == 422


async def test_menus_are_filled_and_files_tell_how_they_were_made(tmp_path: Path) -> None:
    """Lists of what is not here are empty rather than missing; our files are read back."""
    async with open_web(tmp_path, offered=PAINTER) as web, tool(web) as client:
        assert [each["name"] for each in (await client.get("/samplers")).json()] == ["LCM", "Euler"]
        assert [each["name"] for each in (await client.get("/upscalers")).json()] == [
            "crisp",
            "mend",
        ]
        styles = (await client.get("/prompt-styles")).json()
        assert "neon" in [each["name"] for each in styles]
        for path in ("loras", "hypernetworks", "sd-vae", "face-restorers", "script-info"):
            assert (await client.get(f"/{path}")).json() == []
        for path in ("embeddings", "scripts", "cmd-flags", "schedulers"):
            assert (await client.get(f"/{path}")).status_code == 200
        assert (await client.post("/refresh-checkpoints")).status_code == 200
        made = await asked(client, "/txt2img", prompt="a red fox", seed=7)
        read = await asked(client, "/png-info", image=made["images"][0])
        assert read["info"].startswith("a red fox\n")
        assert read["parameters"]["Seed"] == 7
        assert (await asked(client, "/png-info", image=png()))["info"] == ""
        nobody = httpx.BasicAuth("user", "wrong")
        refused = await client.get("/options", auth=nobody)
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"].startswith("Basic ")
        assert (await client.get("/nothing")).json()["error"] == "not_found"
