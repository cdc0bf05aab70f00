"""What a stage is told and what it answers: ids and plain values, so that any process can take over."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from models.scope import Scope


class RunPlan(BaseModel):
    """What one run was asked to do. The same plan may be run twice; the second does no work that is done."""

    model_config = ConfigDict(frozen=True)

    business_id: UUID
    job_run_id: UUID
    as_of: datetime
    """The run's one clock: freshness, baselines and windows are reckoned from here."""
    client_ids: tuple[UUID, ...] | None = None
    """None: every client that is watched."""
    sources: tuple[str, ...] = ()
    """Source names, each with an argument after a colon where it takes one: ``archive:news.jsonl``."""
    days_back: int = Field(default=7, ge=1, le=365)
    baseline: bool = True
    """Whether a client's first poll is history rather than news."""
    deliver: bool = True
    """False: mail is written as files whatever transport is configured."""
    force_mock: bool = False

    @property
    def scope(self) -> Scope:
        """The machinery's scope for this tenant."""
        return Scope.system(self.business_id)


class StageReport(BaseModel):
    """What one batch of a stage came to."""

    model_config = ConfigDict(frozen=True)

    stage: str
    done: int = 0
    """Backlog rows this batch took off; 0 means the backlog is empty."""
    counts: dict[str, int] = Field(default_factory=dict)
    degraded: tuple[str, ...] = ()
    """What did not work, named for a person: a source, a client, a mail."""

    def __add__(self, other: "StageReport") -> "StageReport":
        counts = dict(self.counts)
        for key, value in other.counts.items():
            counts[key] = counts.get(key, 0) + value
        degraded = tuple(dict.fromkeys((*self.degraded, *other.degraded)))
        return StageReport(stage=self.stage, done=self.done + other.done, counts=counts, degraded=degraded)
