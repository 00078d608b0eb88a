"""Files as Telegram keeps them: photos recompressed in several sizes, documents untouched."""

from __future__ import annotations

import io
from dataclasses import dataclass, field

from PIL import Image, UnidentifiedImageError

from tests.loopback_telegram.errors import ApiError, Json, bad
from tests.loopback_telegram.fields import Strange, Upload, Values

PHOTO_BYTES = 10 * 1024 * 1024
DOCUMENT_BYTES = 50 * 1024 * 1024
DOWNLOAD_BYTES = 20 * 1024 * 1024
MOST_SIDES, MOST_RATIO = 10_000, 20
BOXES = {"s": 90, "m": 320, "x": 800, "y": 1280, "w": 2560}


@dataclass(slots=True, kw_only=True, eq=False)
class File:
    """One stored file; of a photo, one of its sizes."""

    id: str
    unique: str
    path: str
    data: bytes
    name: str = ""
    mime: str = ""
    width: int = 0
    height: int = 0

    @property
    def size_json(self) -> Json:
        return {
            "file_id": self.id,
            "file_unique_id": self.unique,
            "width": self.width,
            "height": self.height,
            "file_size": len(self.data),
        }


@dataclass(slots=True, kw_only=True, eq=False)
class Media:
    """A photo or a document: what was uploaded, and what Telegram made of it."""

    kind: str  # "photo" or "document"
    upload: bytes
    name: str
    sizes: list[File]

    @property
    def json(self) -> Json:
        if self.kind == "photo":
            return {"photo": [size.size_json for size in self.sizes]}
        file = self.sizes[-1]
        return {
            "document": {
                "file_id": file.id,
                "file_unique_id": file.unique,
                "file_name": file.name,
                "mime_type": file.mime,
                "file_size": len(file.data),
            }
        }

    @property
    def seen(self) -> Image.Image:
        """What a person sees, really decoded."""
        with Image.open(io.BytesIO(self.sizes[-1].data)) as image:
            image.load()
            return image.copy()


@dataclass(slots=True)
class Files:
    """Everything that was ever uploaded, by file id and by path."""

    by_id: dict[str, File] = field(default_factory=dict)
    media: dict[str, Media] = field(default_factory=dict)
    by_path: dict[str, File] = field(default_factory=dict)

    def document(self, upload: Upload) -> Media:
        """Kept as it is; at most 50 MB."""
        if not upload.data:
            raise bad("file must be non-empty")
        if len(upload.data) > DOCUMENT_BYTES:
            raise ApiError(413, "Request Entity Too Large")
        file = self._keep("documents", upload.data, name=upload.name, mime=upload.mime)
        return self._made("document", upload, [file])

    def photo(self, upload: Upload) -> Media:
        """Decoded, checked and recompressed, as Telegram does with photos."""
        size = len(upload.data)
        if not size:
            raise bad("file must be non-empty")
        if size > PHOTO_BYTES:
            raise bad(
                f"file of size {size} bytes is too big for a photo;"
                f" the maximum size is {PHOTO_BYTES} bytes"
            )
        try:
            with Image.open(io.BytesIO(upload.data)) as image:
                width, height = image.size
                longer, shorter = max(width, height), min(width, height)
                if width + height > MOST_SIDES or longer > MOST_RATIO * shorter:
                    raise bad("PHOTO_INVALID_DIMENSIONS")
                image.load()
                picture = image.convert("RGB")
        except (UnidentifiedImageError, OSError, SyntaxError):
            raise bad("IMAGE_PROCESS_FAILED") from None
        sizes: list[File] = []
        for number, box in enumerate(BOXES.values()):
            if number and max(sizes[-1].width, sizes[-1].height) == longer:
                break
            sizes.append(self._scaled(picture, box))
        return self._made("photo", upload, sizes)

    def given(self, values: Values, name: str, kind: str, reference: str | None = None) -> Media:
        """What a field means: an upload, `attach://name`, or the id of a known file."""
        reference = values.get(name) if reference is None else reference
        part = name if reference is None else reference.removeprefix("attach://")
        if reference is None or reference.startswith("attach://"):
            upload = values.uploads.pop(part, None)
            if upload is None:
                raise bad(f'attached file "{part}" not found')
            return self.photo(upload) if kind == "photo" else self.document(upload)
        if reference.startswith(("http://", "https://")):
            raise Strange("files by address are not played by this server")
        if reference not in self.media:
            raise bad("wrong file identifier/HTTP URL specified")
        if self.media[reference].kind != kind:
            raise bad(f"can't use file of type {self.media[reference].kind} as {kind}")
        return self.media[reference]

    def _scaled(self, picture: Image.Image, box: int) -> File:
        scaled = picture.copy()
        scaled.thumbnail((box, box))
        data = io.BytesIO()
        scaled.save(data, "JPEG", quality=87)
        return self._keep("photos", data.getvalue(), width=scaled.width, height=scaled.height)

    def _keep(
        self,
        folder: str,
        data: bytes,
        *,
        name: str = "",
        mime: str = "",
        width: int = 0,
        height: int = 0,
    ) -> File:
        number = len(self.by_id)
        ending = "jpg" if folder == "photos" else (name.rpartition(".")[2] or "bin")
        file = File(
            id=f"AgACAgIAAxk{number:06d}",
            unique=f"AQAD{number:06d}",
            path=f"{folder}/file_{number}.{ending}",
            data=data,
            name=name,
            mime=mime,
            width=width,
            height=height,
        )
        self.by_id[file.id] = self.by_path[file.path] = file
        return file

    def _made(self, kind: str, upload: Upload, sizes: list[File]) -> Media:
        made = Media(kind=kind, upload=upload.data, name=upload.name, sizes=sizes)
        self.media.update({size.id: made for size in sizes})
        return made
