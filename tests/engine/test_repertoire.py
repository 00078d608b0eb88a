"""The catalogue of models that can be fetched, and an operator's own beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine import repertoire, well_known
from engine.cards import write_card
from engine.catalogue import FAMILIES
from engine.errors import BrokenModel, UnknownModel
from engine.hub import Listing
from engine.pulling import Parcel, Plan, card_of
from engine.repertoire import Form

GOOD = '[mine]\nrepository = "me/mine"\nsizes = [[512, 512]]\n'


def test_what_ships_is_usable(tmp_path: Path) -> None:
    """Every family is there, each entry makes a card, and names no network's name."""
    offers = repertoire.read()
    assert {offer.family for offer in offers.values()} == set(FAMILIES)
    assert not offers.keys() & well_known.read().keys()
    for offer in offers.values():
        write_card(tmp_path, **{**offer.card, "name": offer.name})
        assert offer.title != offer.name
        assert offer.description
        assert offer.licence
        assert offer.seconds
        assert offer.memory_mb
        assert offer.revision == "main" or len(offer.revision) == 40
    restricted = {name for name, offer in offers.items() if not offer.commercial}
    assert restricted == {"sd-turbo", "sdxl-turbo", "sana-sprint"}
    assert offers["lcm-lora"].form is Form.diffusers


def test_ones_own_models_win(tmp_path: Path) -> None:
    """A file in the data folder adds entries and replaces those of the same name."""
    own = tmp_path / "models.toml"
    assert repertoire.read(own) == repertoire.read()  # there need be none
    own.write_text(
        GOOD + '[sd-turbo]\nrepository = "me/turbo"\nrevision = "v2"\n', encoding="utf-8"
    )
    found = repertoire.read(own)
    assert found["mine"].repository == "me/mine"
    assert (found["sd-turbo"].repository, found["sd-turbo"].revision) == ("me/turbo", "v2")
    assert repertoire.get("mine", own).source.endswith("/me/mine")
    with pytest.raises(UnknownModel):
        repertoire.get("nobody", own)


def test_what_paints_in_few_steps_is_not_guided_by_mistake() -> None:
    """What the files of such a model show is what any of its family does: the catalogue knows."""
    found = {"family": "stable-diffusion", "default_steps": 20, "default_guidance": 7.0}
    found |= {"guidance": True, "negative": True, "image_to_image": True, "max_steps": 3}
    listing = Listing(repository="a/b", commit="", files=())
    for name, offer in repertoire.read().items():
        parcels = (Parcel(listing=listing, files=(), folder="model"),)
        card = card_of(Plan(offer=offer, parcels=parcels), {**found, "family": offer.family})
        if name in ("sd-turbo", "sdxs-512", "sdxl-turbo", "sdxl-lightning", "hyper-sdxl"):
            assert not card["guidance"], name
            assert not card["negative"], name
            assert card["default_guidance"] == 0.0, name
        if name in ("lcm-lora", "lcm-dreamshaper", "sana-sprint"):
            assert card["guidance"], name
    own = repertoire.offer("own", {"repository": "a/b", "default_steps": 4})
    parcels = (Parcel(listing=listing, files=(), folder="model"),)
    card = card_of(Plan(offer=own, parcels=parcels), found)
    assert (card["guidance"], card["default_steps"], card["max_steps"]) == (False, 4, 4)
    plain = repertoire.offer("own", {"repository": "a/b"})
    assert card_of(Plan(offer=plain, parcels=parcels), found)["guidance"]


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("[mine", "cannot be read"),
        ("mine = 1", "outside of any"),
        ("[mine]", "no repository"),
        ('[mine]\nrepository = "mine"', "owner/name"),
        ('["My Model"]\nrepository = "me/mine"', "no name"),
        (GOOD + "colour = 1", "colour"),
        (GOOD + 'family = "gan"', "'gan'"),
        (GOOD + 'scheduler = "heun"', "'heun'"),
        (GOOD + 'form = "gguf"', "gguf"),
        (GOOD + "default_steps = -1", "less than nothing"),
        (GOOD + 'default_steps = "4"', "wrong kind"),
        (GOOD + "negative = 1", "wrong kind"),
        (GOOD + 'title = ["a"]', "wrong kind"),
        ('[mine]\nrepository = "me/mine"\nsizes = [512]', "mine"),
        (GOOD + 'loras = ["a/b/c.safetensors"]', "diffusers"),
        (GOOD + 'form = "diffusers"\nloras = ["c.safetensors"]', "no LoRA"),
        (GOOD + 'form = "diffusers"\nloras = [[1, 2, 3]]', "mine"),
    ],
)
def test_a_mistake_in_it_is_named(tmp_path: Path, said: str, reason: str) -> None:
    """With the file and the entry, before anything is fetched."""
    own = tmp_path / "models.toml"
    own.write_text(said, encoding="utf-8")
    with pytest.raises(BrokenModel) as caught:
        repertoire.read(own)
    assert caught.value.name == "models.toml"
    assert reason in caught.value.reason
