"""The sentence: search, dedupe, enrich, classify, filter, notify — with or without Prefect around the stages."""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from models.leases import Held, LeaseBusy, lease
from models.settings import get_settings
from tasks.classify.stage import Contended, classify_batch
from tasks.dedupe.stage import LEASE, dedupe_batch, leave
from tasks.enrich.stage import enrich_batch
from tasks.filter.stage import filter_batch
from tasks.notify.stage import notify_batch
from tasks.plan import RunPlan, StageReport
from tasks.search.stage import Unit, finish_baseline, plan_units, search_batch

STAGES: tuple[str, ...] = ("search", "dedupe", "enrich", "classify", "filter", "notify")
UNITS_A_TASK = 50
_TRIES = 20


@dataclass(frozen=True, slots=True)
class Stages:
    """One callable a stage, each working one batch off its backlog: plain functions, or the tasks around them."""

    search: Callable[[RunPlan, Sequence[Unit]], StageReport] = search_batch
    dedupe: Callable[[RunPlan, Held], StageReport] = dedupe_batch
    enrich: Callable[[RunPlan], StageReport] = enrich_batch
    classify: Callable[[RunPlan], StageReport] = classify_batch
    filter: Callable[[RunPlan, int], StageReport] = filter_batch
    notify: Callable[[RunPlan], StageReport] = notify_batch


Watcher = Callable[[StageReport], None]
"""Told of a stage's running total after each of its batches, and once when it ends with nothing done."""


def run_pipeline(
    plan: RunPlan, stages: Stages, watch: Watcher, *, search_only: bool = False
) -> list[StageReport]:
    """Run every stage until its backlog is empty; a report a stage.

    A stage may be killed anywhere: the next run finds in the database what is left to do.
    """
    with _few_collections():
        return _run(plan, stages, watch, search_only=search_only)


@contextmanager
def _few_collections() -> Iterator[None]:
    """Let Python look for cycles less often: a batch makes a hundred thousand objects and hardly a cycle, and each full
    collection walks every module loaded (a tenth of a run's processor time was spent on it)."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def _run(plan: RunPlan, stages: Stages, watch: Watcher, *, search_only: bool) -> list[StageReport]:
    reports = [_search(plan, stages, watch)]
    if search_only:
        return reports
    folded = _dedupe(plan, stages, watch)
    reports.append(folded)
    if not folded.degraded:
        # A feed's items that still wait for dedupe must find their clients' first poll unfinished.
        finish_baseline(plan)
    reports.append(drain("enrich", lambda: stages.enrich(plan), watch))
    reports.append(drain("classify", lambda: stages.classify(plan), watch))
    reports.append(drain("filter", lambda: stages.filter(plan, get_settings().batch_size), watch))
    reports.append(drain("notify", lambda: stages.notify(plan), watch))
    return reports


def _search(plan: RunPlan, stages: Stages, watch: Watcher) -> StageReport:
    units = plan_units(plan)
    total = StageReport(stage="search")
    for start in range(0, len(units), UNITS_A_TASK):
        total += stages.search(plan, units[start : start + UNITS_A_TASK])
        watch(total)
    return total


def _dedupe(plan: RunPlan, stages: Stages, watch: Watcher) -> StageReport:
    settings = get_settings()
    try:
        with lease(
            plan.scope, LEASE, seconds=settings.lease_seconds, wait_seconds=settings.lease_wait_seconds
        ) as held:
            return drain("dedupe", lambda: stages.dedupe(plan, held), watch)
    except LeaseBusy as busy:
        return StageReport(stage="dedupe", degraded=(f"stories: {busy}",))
    finally:
        leave(plan)


def drain(name: str, step: Callable[[], StageReport], watch: Watcher) -> StageReport:
    """Work a stage's batches until one finds nothing to do; one that another run was quicker at is tried again."""
    total = StageReport(stage=name)
    contended = 0
    while True:
        try:
            report = step()
        except Contended:
            contended += 1
            if contended > _TRIES:
                raise
            continue
        total += report
        watch(total)
        if not report.done:
            return total
