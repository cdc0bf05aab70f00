"""The demo beside a tenant of one's own: loaded and given its invented news, for who sits at the machine."""

from models.engine import reading
from models.jobs import recent_runs
from models.scope import Role, Scope
from models.settings import get_settings
from services.accounts import find_business
from services.demo import DEMO_SLUG, load_demo
from services.run_start import Started, start_run
from services.signin import Viewer


def may_start_demo(viewer: Viewer, *, is_here: bool) -> bool:
    """Whether they may load the demo. ``is_here``: the door has seen that they sit at this machine."""
    is_trusted = viewer.is_operator or viewer.role is Role.OWNER
    return is_here and is_trusted and not viewer.is_demo and get_settings().environment != "production"


def start_demo(viewer: Viewer, *, is_here: bool) -> Started | None:
    """Load the demo tenant, and start its run of invented news; None when it has had one.

    PermissionError for who may not. Nothing of it touches another tenant.
    """
    if not may_start_demo(viewer, is_here=is_here):
        raise PermissionError("the demo is loaded by an owner or operator, at the machine it runs on")
    load_demo()
    business = find_business(DEMO_SLUG)
    assert business is not None  # it was loaded just now
    scope = Scope.system(business.id)
    with reading(scope) as session:
        if recent_runs(scope, session, limit=1):
            return None
    return start_run(scope, force_mock=True)
