"""Owns how scenes are chosen and how they are put into words; knows nothing of how they look."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from engine.starter.world import ATTRIBUTES, NOTHING, World, bare, world

BETWEEN_SHARE = 0.5
EMPTY_SHARE = 0.08  # landscapes with nothing standing in them
_MENTION = {"terrain": 0.82, "subject": 0.8, "time": 0.7, "sky": 0.8, "style": 0.5}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What is in one picture; with its seed and size it is the picture."""

    terrain: str
    time: str
    sky: str
    subject: str
    style: str
    seed: int
    toward: str = ""  # a second time of day that the light has gone some way to
    share: float = 0.0  # how far, 0..1

    def value(self, attribute: str) -> str:
        return str(getattr(self, attribute))


def is_held_out(scene: Scene, of: World | None = None) -> bool:
    """True where the scene shows a pair that training must never see."""
    told = of or world()
    return any(
        told.is_held_out(first, scene.value(first), second, scene.value(second))
        for first, second in told.held_out_pairs
    )


def any_scene(rng: random.Random) -> Scene:
    """A scene from the whole world, held-out pairs included."""
    told = world()
    chosen = {attribute: rng.choice(told.names(attribute)) for attribute in ATTRIBUTES}
    if rng.random() < EMPTY_SHARE:
        chosen["subject"] = NOTHING
    return _scene(chosen, rng)


def training_scene(rng: random.Random) -> Scene:
    """A scene that training may see."""
    while is_held_out(scene := any_scene(rng)):
        pass
    return scene


def between_times(scene: Scene) -> Scene:
    """Every other scene in a light between two times of day, which no caption names.

    Without these the light alone says which skies are possible (whoever has seen no rainbow at
    night paints none at night, whatever is asked for), and pairs never seen are never painted.
    """
    rng = random.Random(scene.seed + 3)
    if rng.random() >= BETWEEN_SHARE:
        return scene
    others = [time for time in world().names("time") if time != scene.time]
    return replace(scene, toward=rng.choice(others), share=rng.uniform(0.3, 0.65))


def unseen_scene(rng: random.Random) -> Scene:
    """A scene in which both kinds of held-out pair occur at once, with a subject."""
    told = world()
    chosen = {attribute: rng.choice(told.names(attribute)) for attribute in ATTRIBUTES}
    for first, second in told.held_out_pairs:
        chosen[first], chosen[second] = rng.choice(list(told.held_out(first, second)))
    return _scene(chosen, rng)


def _scene(chosen: dict[str, str], rng: random.Random) -> Scene:
    seed = rng.getrandbits(31)
    terrain, time, sky, subject, style = (chosen[attribute] for attribute in ATTRIBUTES)
    return Scene(terrain=terrain, time=time, sky=sky, subject=subject, style=style, seed=seed)


def mentions(rng: random.Random) -> frozenset[str]:
    """Which attributes a caption names; what it leaves out is free to vary."""
    if rng.random() < 0.1:
        return frozenset({rng.choice(ATTRIBUTES)})
    if rng.random() < 0.3:
        return frozenset(ATTRIBUTES)
    while not (named := frozenset(a for a in ATTRIBUTES if rng.random() < _MENTION[a])):
        pass
    return named


def caption(scene: Scene, rng: random.Random, *, named: frozenset[str] | None = None) -> str:
    """Words for a scene, in one of many ways to say it; names only what the scene holds."""
    told = world()
    wanted = mentions(rng) if named is None else named
    said = {
        attribute: rng.choice(told.phrases(attribute, scene.value(attribute)))
        for attribute in ATTRIBUTES
        if attribute in wanted
        and scene.value(attribute) != NOTHING
        and not (attribute == "time" and scene.toward)
    }
    if not said:  # only what is missing or has no name was asked for
        said = {"terrain": rng.choice(told.phrases("terrain", scene.terrain))}
    way = rng.random()
    if way < 0.55 or set(said) == {"style"}:
        text = _sentence(said, rng)
    elif way < 0.75:
        text = _over(said, rng)
    else:
        text = _list(said, rng)
    return _stray(text, rng)


def plain_caption(scene: Scene) -> str:
    """The plainest full sentence: "a fox in the snow at night, under clouds, in watercolor"."""
    told = world()
    said = {a: told.phrases(a, scene.value(a))[0] for a in ATTRIBUTES if scene.value(a) != NOTHING}
    head = " ".join(said[a] for a in ("subject", "terrain", "time") if a in said)
    return f"{head}, {said['sky']}, {said['style']}"


def _sentence(said: dict[str, str], rng: random.Random) -> str:
    """ "a lighthouse on the sea at sunset, in watercolor"."""
    places = [said[a] for a in ("terrain", "time", "sky") if a in said]
    if rng.random() < 0.5:
        rng.shuffle(places)
    words = ([said["subject"]] if "subject" in said else []) + places
    text = " ".join(words) if rng.random() < 0.7 else ", ".join(words)
    if "subject" in said and rng.random() < 0.3:
        text = f"{rng.choice(world().openings)} {text}"
    if "style" in said:
        style = said["style"] if rng.random() < 0.5 else bare(said["style"])
        if not text:
            return style
        text = f"{text}, {style}" if rng.random() < 0.7 else f"{style}, {text}"
    return text


def _over(said: dict[str, str], rng: random.Random) -> str:
    """ "sunset over the ocean, lighthouse, clear sky"."""
    rest = {a: bare(said[a]) for a in said}
    if "time" in rest and "terrain" in rest:
        joint = rng.choice((" over the ", " in the ", ", "))
        head = f"{rest.pop('time')}{joint}{rest.pop('terrain')}"
    elif "subject" in rest and "terrain" in rest:
        head = f"{rest.pop('terrain')} with {said['subject']}"
        rest.pop("subject")
    else:
        return _list(said, rng)
    tail = list(rest.values())
    rng.shuffle(tail)
    return ", ".join([head, *tail])


def _list(said: dict[str, str], rng: random.Random) -> str:
    """ "night, fox, aurora"."""
    words = [bare(phrase) for phrase in said.values()]
    rng.shuffle(words)
    return (", " if rng.random() < 0.7 else " ").join(words)


def _stray(text: str, rng: random.Random) -> str:
    """Now and then a word that means nothing here, to be taken no notice of."""
    told = world()
    if rng.random() < 0.15:
        count = rng.choice((1, 1, 2, 3))
        text = ", ".join([text, *rng.sample(told.endings, count)])
    if rng.random() < 0.08:
        known = {word for a in ATTRIBUTES for n in told.names(a) for word in _letters(told, a, n)}
        strange = [word for word in told.other_words if word not in known]
        words = text.split(" ")
        words.insert(rng.randrange(len(words) + 1), rng.choice(strange))
        text = " ".join(words)
    return text


def _letters(told: World, attribute: str, name: str) -> set[str]:
    return {w for said in told.words(attribute, name) for w in said.replace("-", " ").split()}
