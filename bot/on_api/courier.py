"""The courier of programs, which fetch their pictures in the answer to their request."""

from storage.job import Job, JobState
from storage.jobs import Jobs
from storage.keys import PLATFORM
from storage.pictures import PictureRow

KEPT = '{"kept":true}'
"""What is written beside a job that its caller can come back for, with the key of the request."""

MANY = 1_000_000
"""More than any line is allowed to have."""


class ApiCourier:
    """Has nothing to bring: whoever waits for a job is told by its end, others come back for it."""

    platform = PLATFORM

    async def deliver(self, job: Job, pictures: tuple[PictureRow, ...]) -> None:
        """Nothing to do."""


async def let_go(jobs: Jobs) -> int:
    """At start: cancel what requests to an earlier process waited for; nobody does any more.

    Returns how many there were. What can be come back for is painted all the same.
    """
    gone = 0
    for job in await jobs.unfinished(PLATFORM, limit=MANY):
        if job.message == KEPT:
            continue
        if job.state is JobState.RUNNING:  # nothing paints it any more
            await jobs.requeue(job.id)
        gone += await jobs.cancel(job.id) is not None
    return gone
