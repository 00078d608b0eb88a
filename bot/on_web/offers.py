"""Owns the JSON about what is on offer, about the visitor, and about the server's health."""

from datetime import datetime

from pydantic import BaseModel


class ModelOut(BaseModel):
    """A model on offer; sizes are [width, height], the first is the default.

    `schedulers` are those one can ask for, `scheduler` is its usual one, if that has a name.
    `seconds` is how long a picture with nothing but a prompt takes here.
    """

    name: str
    title: str
    description: str
    licence: str
    default: bool
    sizes: list[tuple[int, int]]
    default_steps: int
    min_steps: int
    max_steps: int
    default_guidance: float
    max_guidance: float
    negative: bool
    guidance: bool
    image_to_image: bool
    inpainting: bool
    schedulers: list[str]
    scheduler: str | None
    commercial: bool
    seconds: float


class ModelsOut(BaseModel):
    """The models; `most` is how many pictures one request may ask for."""

    models: list[ModelOut]
    most: int


class StyleOut(BaseModel):
    """A style on offer: `prompt` is what it makes of your words, which stand at `{prompt}`."""

    name: str
    title: str
    prompt: str
    negative: str


class StylesOut(BaseModel):
    styles: list[StyleOut]


class UpscalerOut(BaseModel):
    """A network that enlarges; `price` is in credits for a megapixel of the result."""

    name: str
    title: str
    description: str
    licence: str
    default: bool
    price: float


class UpscalersOut(BaseModel):
    """The networks that enlarge, and by how much one can ask for."""

    upscalers: list[UpscalerOut]
    scales: list[int]


class ForgottenOut(BaseModel):
    """How much of you is gone: jobs blanked, pictures and uploads deleted."""

    jobs: int
    pictures: int
    uploads: int


class MeOut(BaseModel):
    """What you have used of your tightest budget, in credits of the last 24 hours.

    `frees_at` is when a picture fits again or, while one does, when the first credits come back.
    """

    budget: float
    used: float
    left: float
    frees_at: datetime | None
    waiting: int
    waiting_limit: int


class HealthOut(BaseModel):
    """`ok` is whether requests are taken and will be painted; `engine` how far the engine is.

    `discord` and `telegram` tell how the bot stands there, if it has a token: connecting,
    connected, or refused. With a `disk` that is "full" nothing new is taken on, and what waits
    waits on.
    """

    ok: bool
    engine: str
    discord: str | None = None
    telegram: str | None = None
    disk: str
