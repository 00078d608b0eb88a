"""Pieces of the composition root that others build, too: the housekeeper, the operator's view."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from bot.desk.disk import Disk
from bot.desk.estimates import Estimates
from bot.desk.forgetting import Farewell
from bot.desk.keeping import Bounds, Keeper
from bot.desk.line import Line
from bot.desk.office import Office
from bot.desk.oversight import Oversight
from bot.desk.rooms import Rooms
from bot.desk.studio import Studio
from bot.settings import Settings
from engine.catalogue import Catalogue
from engine.networks import Networks
from engine.thread import EngineThread
from storage.crowd import Crowd
from storage.database import Database
from storage.forgetting import Forgetting
from storage.hours import Hours
from storage.incidents import Incidents
from storage.jobs import Jobs
from storage.people import People
from storage.pictures import Pictures
from storage.prompts import Prompts
from storage.retention import Retention
from storage.sources import Sources
from storage.speeds import Speeds


def make_keeper(
    db: Database,
    settings: Settings,
    *,
    pictures: Pictures,
    sources: Sources,
    farewell: Farewell | None = None,
    clock: Callable[[], float] = time.time,
) -> Keeper:
    """Who lets go what the settings say; without `farewell` nobody else is there to be told."""
    return Keeper(
        retention=make_retention(db, settings, pictures),
        pictures=pictures,
        sources=sources,
        prompts=Prompts(db),
        forgetting=Forgetting(db),
        farewell=farewell,
        data=settings.data,
        bounds=Bounds.of(settings),
        clock=clock,
    )


def make_retention(db: Database, settings: Settings, pictures: Pictures) -> Retention:
    """What may go, in this data folder."""
    return Retention(db, pictures, settings.data / "pictures")


def make_oversight(
    db: Database,
    settings: Settings,
    *,
    studio: Studio,
    office: Office,
    jobs: Jobs,
    people: People,
    pictures: Pictures,
    sources: Sources,
    line: Line,
    engine: EngineThread,
    disk: Disk,
    speeds: Speeds,
    estimates: Estimates,
    catalogue: Catalogue,
    networks: Networks,
    keeper: Keeper,
    resident: Callable[[], frozenset[str]],
    chats: Callable[[], Mapping[str, str]],
) -> Oversight:
    """What the operator sees and decides, of parts that are there."""
    return Oversight(
        studio=studio,
        office=office,
        jobs=jobs,
        people=people,
        crowd=Crowd(db),
        hours=Hours(db),
        incidents=Incidents(db),
        speeds=speeds,
        estimates=estimates,
        line=line,
        engine=engine,
        catalogue=catalogue,
        networks=networks,
        keeper=keeper,
        rooms=Rooms(
            data=settings.data,
            reserve=settings.reserve_bytes,
            disk=disk,
            retention=make_retention(db, settings, pictures),
            sources=sources,
            bounds=Bounds.of(settings),
        ),
        resident=resident,
        chats=chats,
        default_model=settings.model,
    )
