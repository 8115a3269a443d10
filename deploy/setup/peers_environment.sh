#!/usr/bin/env bash
# Makes the environments of the libraries that bench/peers measures: node_modules beside it, and .venv-peers.
set -euo pipefail
cd "$(dirname "$0")/../.."

command -v node npm >/dev/null || deploy/setup/debian_packages.sh nodejs npm
deploy/setup/debian_packages.sh libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0

PEERS=bench/peers
stamp="$(sha256sum $PEERS/package-lock.json $PEERS/requirements.lock) $PWD"

if [ "$(cat .venv-peers/locked.stamp 2>/dev/null)" != "$stamp" ] || [ ! -d $PEERS/node_modules ]; then
    export UV_PYTHON_DOWNLOADS=never
    npm ci --silent --ignore-scripts --no-audit --no-fund --prefix $PEERS
    .venv/bin/uv venv --quiet --clear --python .venv/bin/python .venv-peers
    .venv/bin/uv pip install --quiet --python .venv-peers --require-hashes -r $PEERS/requirements.lock
    printf '%s\n' "$stamp" >.venv-peers/locked.stamp
fi
