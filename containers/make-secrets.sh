#!/bin/sh
# Writes what compose.yaml reads from secrets/, once. Keep the folder: without cm_secret_keys stored keys stay sealed.
set -eu
cd "$(dirname "$0")/.."
[ ! -e secrets ] || { echo "secrets/ is there already; nothing was changed" >&2; exit 1; }
umask 077
mkdir secrets
random() { openssl rand -hex 24; }
password=$(random)
auth="monitor:$(random)"
printf '%s' "$password" >secrets/postgres_password
printf 'postgresql://monitor:%s@db:5432/client_monitor' "$password" >secrets/cm_database_url
printf 'postgresql+asyncpg://monitor:%s@db:5432/prefect' "$password" >secrets/prefect_server_database_connection_url
printf '%s' "$auth" >secrets/prefect_server_api_auth_string
printf '%s' "$auth" >secrets/prefect_api_auth_string
printf '%s' "$(random)$(random)" >secrets/cm_signing_keys
openssl rand 32 | openssl base64 -A | tr '+/' '-_' >secrets/cm_secret_keys
# The containers' user is not yours: the files are readable, the folder is yours alone.
chmod 644 secrets/*
echo "secrets/ is written. Back it up apart from the database."
