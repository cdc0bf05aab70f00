"""A tenant's picture at the head of its mails: travels in each mail, is loaded from nowhere."""

from hashlib import sha256
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

MAX_SHOWN = (200, 48)
"""The most room a logo takes in a mail, in points."""
_EASILY_SEEN = 28
"""Points: a low picture is not made lower than this for the sake of sharpness."""


class Logo(BaseModel):
    """A picture as it stands in a mail. Its bytes are ours: `services.logos` wrote them anew."""

    model_config = ConfigDict(frozen=True)

    media_type: Literal["image/png", "image/jpeg"]
    data: bytes = Field(repr=False)
    width: int = Field(gt=0)
    """In points, for screens that show two or more dots each."""
    height: int = Field(gt=0)

    @property
    def content_id(self) -> str:
        """The name the page calls it by, without brackets: the same picture, the same name."""
        return f"logo.{sha256(self.data).hexdigest()[:24]}@client-monitor"

    @property
    def file_name(self) -> str:
        return "logo.png" if self.media_type == "image/png" else "logo.jpg"


def shown_size(width: int, height: int) -> tuple[int, int]:
    """The points in which a picture of so many dots is shown: half as many where that is enough, within bounds."""
    high = min(MAX_SHOWN[1], max(height / 2, min(height, _EASILY_SEEN)))
    wide = width * high / height
    if wide > MAX_SHOWN[0]:
        wide, high = MAX_SHOWN[0], height * MAX_SHOWN[0] / width
    return max(1, round(wide)), max(1, round(high))
