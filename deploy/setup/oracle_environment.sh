#!/usr/bin/env bash
# Makes .venv-oracle: another implementation of our formats, which needs an older CBOR library than the project.
set -euo pipefail
cd "$(dirname "$0")/../.."

LOCK=tests/conformance/oracle-requirements.lock
stamp="$(sha256sum "$LOCK") $PWD"

if [ "$(cat .venv-oracle/locked.stamp 2>/dev/null)" != "$stamp" ] || ! .venv-oracle/bin/python -c '' 2>/dev/null; then
    export UV_PYTHON_DOWNLOADS=never
    .venv/bin/uv venv --quiet --clear --python .venv/bin/python .venv-oracle
    .venv/bin/uv pip install --quiet --python .venv-oracle --require-hashes -r "$LOCK"
    printf '%s\n' "$stamp" >.venv-oracle/locked.stamp
fi
