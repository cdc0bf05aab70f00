"""The one door to Prefect's API: short time-outs, no retries, and failures in words.

Prefect deletes *every* coming run of a deployment when one of its schedules is changed, and every waiting one when a
schedule is removed, and makes the coming ones anew within a minute. What was due in that minute, or was waiting for a
worker, would be lost, of other tenants too. So each change asks for the runs again, from where they were lost.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import httpx

from models.base import utc_now
from services.errors import UserError
from services.schedules.address import api_url

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.schedules import CronSchedule, RRuleSchedule

TIMEOUT = 5.0
START_IT = "start it: client-monitor up (or set PREFECT_API_URL to a server that runs)"
_PAGE = 200
_ANCHOR = "DTSTART:20200101T000000\n"
"""Prefect writes this before a rule that names no beginning."""
_KEPT_AHEAD = timedelta(hours=1)
"""How far ahead Prefect's scheduler keeps runs at least."""


class Unreachable(UserError):
    """Prefect does not answer, or refuses us. Nothing is lost: what was meant is in our database."""

    bad_input = False


class NotDeployed(UserError):
    """Prefect answers, and has no such deployment."""

    bad_input = False


class Refused(UserError):
    """Prefect answered that it will not do this."""

    bad_input = False


@dataclass(frozen=True, slots=True)
class Deployed:
    """A deployment as far as we need it."""

    id: UUID
    name: str
    paused: bool
    pool: str | None


@dataclass(frozen=True, slots=True)
class Remote:
    """A schedule as Prefect has it. ``recurrence`` is None for kinds that are not ours."""

    id: UUID
    deployment: Deployed
    slug: str | None
    recurrence: dict[str, str] | None
    active: bool
    parameters: dict[str, Any]


@dataclass(frozen=True, slots=True)
class RemoteRun:
    """A flow run as Prefect has it; ``state`` is the type: SCHEDULED, RUNNING, COMPLETED …"""

    id: UUID
    state: str
    state_name: str
    deployment_id: UUID | None
    parameters: dict[str, Any]
    expected_start: datetime | None
    schedule_id: UUID | None
    """The schedule that made it, by Prefect's id."""


@contextmanager
def open_prefect(*, timeout: float = TIMEOUT) -> Iterator["Prefect"]:
    """Prefect's API while the block runs. Unreachable, NotDeployed and Refused say what is wrong and how to mend it."""
    url = api_url()
    if url is None:
        raise Unreachable("Prefect is not running", START_IT)
    # Importing Prefect takes seconds: only who talks to it pays.
    from prefect.client.orchestration import get_client  # noqa: PLC0415
    from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings  # noqa: PLC0415

    settings = temporary_settings({PREFECT_API_URL: url, PREFECT_CLIENT_MAX_RETRIES: 0})
    try:
        with settings, get_client(sync_client=True, httpx_settings={"timeout": timeout}) as client:
            yield Prefect(client)
    except httpx.HTTPStatusError as error:
        raise _refused(error) from None
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise Unreachable(f"Prefect does not answer ({type(error).__name__})", START_IT) from None


def reachable(*, timeout: float = 2.0) -> str:
    """ "" when Prefect answers; else why not, in words."""
    try:
        with open_prefect(timeout=timeout) as prefect:
            prefect.greet()
    except (Unreachable, Refused) as error:
        return str(error)
    return ""


class Prefect:
    """Prefect's API, open. Every method may raise what ``open_prefect`` says."""

    def __init__(self, client: "SyncPrefectClient") -> None:
        self._client = client

    def greet(self) -> None:
        """Ask something only a friend may: health is open to anybody."""
        self._client.read_work_pools(limit=1)

    def deployment(self, name: str) -> Deployed:
        """The deployment called ``flow/deployment``."""
        from prefect.exceptions import ObjectNotFound  # noqa: PLC0415

        try:
            found = self._client.read_deployment_by_name(name)
        except ObjectNotFound:
            raise NotDeployed(
                f"Prefect has no deployment {name}",
                "prefect --no-prompt deploy --all (client-monitor up does it)",
            ) from None
        return Deployed(found.id, name, found.paused, found.work_pool_name)

    def schedules(self, deployment: Deployed) -> list[Remote]:
        """What the deployment is scheduled by, everybody's."""
        return [
            Remote(
                one.id,
                deployment,
                one.slug,
                _recurrence_of(one.schedule),
                one.active,
                dict(one.parameters),
            )
            for one in self._client.read_deployment_schedules(deployment.id)
        ]

    def add(
        self,
        deployment: Deployed,
        slug: str,
        schedule: "CronSchedule | RRuleSchedule",
        parameters: Mapping[str, Any],
        *,
        active: bool,
    ) -> None:
        """Make a schedule. One that is there by this slug already is left alone: two may try at once."""
        from prefect.client.schemas.actions import DeploymentScheduleCreate  # noqa: PLC0415

        made = DeploymentScheduleCreate(
            schedule=schedule, active=active, parameters=dict(parameters), slug=slug
        )
        try:
            self._client.create_deployment_schedules(deployment.id, [made])
        except httpx.HTTPStatusError:
            if not any(one.slug == slug for one in self.schedules(deployment)):
                raise
            return
        if active:
            self._fill(deployment, since=utc_now())

    def change(
        self,
        remote: Remote,
        *,
        parameters: Mapping[str, Any],
        schedule: "CronSchedule | RRuleSchedule | None" = None,
        active: bool | None = None,
    ) -> None:
        """Change what is named; no other schedule loses a run by it.

        Prefect empties the parameters with every change that does not name them, so they always are.
        """
        since = utc_now()
        self._client.update_deployment_schedule(
            remote.deployment.id,
            remote.id,
            active=active,
            schedule=schedule,
            parameters=dict(parameters),
        )
        self._fill(remote.deployment, since=since)

    def remove(self, remote: Remote) -> None:
        """Remove a schedule; one that is gone already is no fault, and no other schedule loses a run by it."""
        from prefect.exceptions import ObjectNotFound  # noqa: PLC0415

        since = utc_now()
        waiting = self._newest_waiting(remote, before=since)
        try:
            self._client.delete_deployment_schedule(remote.deployment.id, remote.id)
        except ObjectNotFound:
            return
        self._fill(remote.deployment, since=min([since, *waiting]))

    def start(
        self, deployment: Deployed, parameters: Mapping[str, Any], *, key: str, tags: Sequence[str] = ()
    ) -> UUID:
        """Start a run now; the same ``key`` gives the same run, whoever asks."""
        run = self._client.create_flow_run_from_deployment(
            deployment.id, parameters=dict(parameters), idempotency_key=key, tags=tags
        )
        return run.id

    def run(self, flow_run_id: str | UUID) -> RemoteRun | None:
        """A flow run; None when Prefect knows none by that id (its retention may have removed it)."""
        from prefect.exceptions import ObjectNotFound  # noqa: PLC0415

        try:
            found = self._client.read_flow_run(UUID(str(flow_run_id)))
        except (ObjectNotFound, ValueError):
            return None
        return _run_of(found)

    def started_by(self, schedule_id: str, *, after: datetime, until: datetime) -> list[RemoteRun]:
        """Runs that a schedule (by Prefect's id) meant to start later than ``after`` and not later than ``until``."""
        from prefect.client.schemas.filters import (  # noqa: PLC0415
            FlowRunFilter,
            FlowRunFilterCreatedBy,
            FlowRunFilterExpectedStartTime,
        )

        asked = FlowRunFilter(
            created_by=FlowRunFilterCreatedBy(id_=[UUID(schedule_id)]),
            expected_start_time=FlowRunFilterExpectedStartTime(
                after_=after + timedelta(seconds=1), before_=until
            ),
        )
        return [_run_of(one) for one in self._client.read_flow_runs(flow_run_filter=asked, limit=_PAGE)]

    def crash(self, flow_run_id: str | UUID, message: str) -> None:
        """Say that a run's process is gone: by itself Prefect leaves such a run Running for ever."""
        from prefect.states import Crashed  # noqa: PLC0415

        self._client.set_flow_run_state(UUID(str(flow_run_id)), Crashed(message=message), force=True)

    def forget(self, *, tag: str, state_name: str, ended_before: datetime) -> int:
        """Delete the runs with this tag that ended so, with their tasks and logs; how many those were."""
        asked = {
            "tags": {"all_": [tag]},
            "state": {"name": {"any_": [state_name]}},
            "end_time": {"before_": ended_before.isoformat()},
        }
        gone = 0
        while True:
            answer = self._client._client.post("/flow_runs/bulk_delete", json={"flow_runs": asked})
            deleted = len(answer.raise_for_status().json()["deleted"])
            gone += deleted
            if not deleted:
                return gone

    def workers_online(self, pool: str | None) -> int:
        """How many workers take runs from the pool now."""
        from prefect.exceptions import ObjectNotFound  # noqa: PLC0415

        if pool is None:
            return 0
        try:
            workers = self._client.read_workers_for_work_pool(pool)
        except ObjectNotFound:
            return 0
        return sum(str(getattr(one.status, "value", one.status)).upper() == "ONLINE" for one in workers)

    def _newest_waiting(self, leaving: Remote, *, before: datetime) -> list[datetime]:
        """For each other schedule of the deployment, the newest start that waits for a worker."""
        from prefect.client.schemas.filters import (  # noqa: PLC0415
            DeploymentFilter,
            DeploymentFilterId,
            FlowRunFilter,
            FlowRunFilterExpectedStartTime,
            FlowRunFilterState,
            FlowRunFilterStateType,
        )
        from prefect.client.schemas.objects import StateType  # noqa: PLC0415
        from prefect.client.schemas.sorting import FlowRunSort  # noqa: PLC0415

        found = self._client.read_flow_runs(
            deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[leaving.deployment.id])),
            flow_run_filter=FlowRunFilter(
                state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED])),
                expected_start_time=FlowRunFilterExpectedStartTime(before_=before),
            ),
            sort=FlowRunSort.EXPECTED_START_TIME_DESC,
            limit=_PAGE,
        )
        newest: dict[UUID, datetime] = {}
        for run in found:
            made_by = run.created_by.id if run.created_by else None
            if run.auto_scheduled and made_by not in {None, leaving.id} and run.expected_start_time:
                assert made_by is not None  # as the condition says
                newest.setdefault(made_by, run.expected_start_time)
        return list(newest.values())

    def _fill(self, deployment: Deployed, *, since: datetime) -> None:
        """Have Prefect's scheduler make the deployment's runs from ``since`` on; those that are there stay."""
        ahead = utc_now() - since + _KEPT_AHEAD
        self._client._client.post(
            f"/deployments/{deployment.id}/schedule",
            json={"start_time": since.isoformat(), "min_time": ahead.total_seconds()},
        )


def _recurrence_of(schedule: Any) -> dict[str, str] | None:
    if getattr(schedule, "cron", None) and schedule.day_or:
        return {"cron": schedule.cron, "timezone": schedule.timezone or "UTC"}
    if getattr(schedule, "rrule", None):
        rule = schedule.rrule.removeprefix(_ANCHOR)
        return {"rrule": rule, "timezone": schedule.timezone or "UTC"}
    return None


def _run_of(found: Any) -> RemoteRun:
    return RemoteRun(
        found.id,
        found.state_type.value if found.state_type else "",
        found.state_name or "",
        found.deployment_id,
        dict(found.parameters),
        found.expected_start_time,
        found.created_by.id if found.auto_scheduled and found.created_by else None,
    )


def _refused(error: httpx.HTTPStatusError) -> UserError:
    status = error.response.status_code
    if status in {401, 403}:
        mend = "set PREFECT_API_AUTH_STRING (user:password) or PREFECT_API_KEY to what the server expects"
        return Unreachable(f"Prefect refuses us ({status})", mend)
    if status >= 500:
        return Unreachable(
            f"Prefect's server fails ({status})", "look at its log; client-monitor doctor may know more"
        )
    return Refused(f"Prefect will not do this ({status})", "client-monitor doctor may know more")
