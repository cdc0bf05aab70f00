# One image for every role: the entry point's first word says which (see compose.yaml).
FROM python:3.12-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /venv
WORKDIR /app
COPY requirements.lock ./
# The lock is complete and hashed: nothing is resolved here.
RUN /venv/bin/pip install --no-deps --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE prefect.yaml ./
COPY models models
COPY tasks tasks
COPY services services
COPY flows flows
COPY cli cli
COPY ui ui
COPY web web
RUN /venv/bin/pip install --no-deps --no-build-isolation --editable . \
    && /venv/bin/pip check \
    && /venv/bin/python -m compileall -q models tasks services flows cli ui web

FROM python:3.12-slim-bookworm
RUN useradd --system --uid 10001 --create-home --home-dir /home/monitor monitor \
    && install --directory --owner monitor --group monitor --mode 0700 /data
COPY --from=build /venv /venv
COPY --from=build /app /app
COPY --chmod=0555 containers/entrypoint.sh /entrypoint.sh
WORKDIR /app
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    CM_DATA_DIR=/data \
    CM_ENVIRONMENT=production \
    PREFECT_HOME=/data/prefect \
    PREFECT_LOGGING_EXTRA_LOGGERS=flows,tasks,services,models \
    PREFECT_SERVER_ANALYTICS_ENABLED=false \
    PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT=false \
    PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED=events,flow_runs \
    DO_NOT_TRACK=1
USER 10001
VOLUME /data
EXPOSE 8501 4200
STOPSIGNAL SIGINT
ENTRYPOINT ["/entrypoint.sh"]
CMD ["app"]
