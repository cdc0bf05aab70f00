"""How people prove who they are, and who is looking."""

from services.signin.viewer import Viewer, viewer_of

__all__ = ["Viewer", "viewer_of"]
