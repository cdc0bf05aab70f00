#!/bin/sh
# What a container does, by its first word: app, worker, prefect, setup, or a command of client-monitor's.
set -eu

# A secret is a file named as its setting, in small letters: cm_database_url, prefect_api_auth_string ...
for file in /run/secrets/*; do
    [ -f "$file" ] || continue
    name=$(basename "$file" | tr '[:lower:]' '[:upper:]')
    case "$name" in
    CM_* | PREFECT_*) export "$name=$(cat "$file")" ;;
    esac
done

# Prefect's workers need the pool and the deployments; both may be made again and again.
deploy() {
    prefect work-pool inspect client-monitor >/dev/null 2>&1 ||
        prefect work-pool create client-monitor --type process
    PWD=/app prefect --no-prompt deploy --all
}

role=${1:-app}
[ $# -eq 0 ] || shift
case "$role" in
app) exec client-monitor serve --host 0.0.0.0 --port 8501 "$@" ;;
worker) exec prefect worker start --pool client-monitor --type process --limit "${WORKER_LIMIT:-4}" "$@" ;;
prefect) exec prefect server start --host 0.0.0.0 --port 4200 "$@" ;;
setup)
    client-monitor init
    deploy
    exec client-monitor schedules sync
    ;;
*) exec client-monitor "$role" "$@" ;;
esac
