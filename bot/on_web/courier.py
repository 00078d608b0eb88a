"""The courier of the page, whose visitors fetch their pictures themselves."""

from storage.job import Job
from storage.pictures import PictureRow


class WebCourier:
    """Has nothing to bring: a job is delivered once it is stored, and the page looks there."""

    platform = "web"

    async def deliver(self, job: Job, pictures: tuple[PictureRow, ...]) -> None:
        """Nothing to do: the event stream has told the open pages, the history tells the rest."""
