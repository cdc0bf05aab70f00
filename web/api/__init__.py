"""The REST API, ``/api/v1``: the services of the app, for other programs."""
