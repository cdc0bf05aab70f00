"""How people prove who they are, and who is looking."""

from services.signin.links import redact_links
from services.signin.viewer import Viewer, viewer_of

__all__ = ["Viewer", "redact_links", "viewer_of"]
