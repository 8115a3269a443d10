#!/usr/bin/env bash
# Writes the Python lock files anew: every package with its hashes, and no address of where it came from.
set -euo pipefail
cd "$(dirname "$0")/../.."

export UV_PYTHON_DOWNLOADS=never

lock() {
    .venv/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-header "$@"
}

lock pyproject.toml --extra dev -o requirements.lock
lock tests/conformance/oracle-requirements.in -o tests/conformance/oracle-requirements.lock
lock bench/peers/requirements.in -o bench/peers/requirements.lock
echo uv | lock - -o uv.lock.txt
