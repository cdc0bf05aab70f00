"""The API as an ASGI app, mounted at ``PREFIX`` beside the Streamlit app."""

from importlib.metadata import version

from fastapi import FastAPI

from web.api import problems
from web.api.routes import api_keys, tokens

PREFIX = "/api/v1"


def create_api() -> FastAPI:
    """Every route, its schema at ``/openapi.json``, and errors as problem details."""
    app = FastAPI(
        title="Client Monitor",
        version=version("client-monitor"),
        description="Everything the app can do, for other programs.",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        servers=[{"url": PREFIX}],
        root_path_in_servers=False,
        separate_input_output_schemas=False,
    )
    problems.install(app)
    for part in (tokens, api_keys):
        app.include_router(part.router)
    return app
