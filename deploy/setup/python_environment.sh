#!/usr/bin/env bash
# Makes .venv in the project root: the packages of requirements.lock, each checked against its hash, and the project.
# Two stamps inside .venv remember what it was made from, so that a second run only compares hashes.
set -euo pipefail
cd "$(dirname "$0")/../.."
source deploy/setup/refuse.sh

export UV_PYTHON_DOWNLOADS=never

find_python() {
    local candidate
    for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11 python3.14}; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    refuse "需要 Python 3.11 或更高版本，请让管理员运行 apt-get install python3 python3-venv，然后重试。" \
        "Python 3.11 or later is needed: ask an administrator to run \"apt-get install python3 python3-venv\", then try again."
}

has_modules() {
    "$python" -c "import $1" 2>/dev/null
}

# Debian keeps the part of venv that puts pip into a new environment in a package of its own. Without it, the pip of
# the system can fill the environment from outside (--python: pip 22.3 or later).
make_empty_environment() {
    if ! has_modules venv,ensurepip && ! has_modules venv,pip; then
        deploy/setup/debian_packages.sh "$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
    fi
    if has_modules venv,ensurepip; then
        "$python" -m venv --clear .venv
    else
        "$python" -m venv --clear --without-pip .venv
    fi
}

pip_for_environment() {
    if has_modules venv,ensurepip; then
        .venv/bin/python -m pip "$@"
    else
        "$python" -m pip --python .venv/bin/python "$@"
    fi
}

# uv does not read pip's settings; whoever set a mirror for pip wants it here too.
use_mirror_of_pip() {
    local mirror=${PIP_INDEX_URL:-$("$python" -m pip config get global.index-url 2>/dev/null || true)}
    if [ -n "$mirror" ]; then
        export UV_DEFAULT_INDEX=${UV_DEFAULT_INDEX:-$mirror}
    fi
}

refuse_without_packages() {
    refuse "Python 软件包没有装上（原因见上），请检查网络后重试。" \
        "The Python packages could not be installed (the reason is above): check the network and try again."
}

install_locked_packages() {
    printf '正在准备 Python 环境 / Preparing the Python environment (.venv)\n'
    python=$(find_python)
    make_empty_environment
    pip_for_environment install -qq --no-input --disable-pip-version-check --require-hashes -r uv.lock.txt ||
        refuse_without_packages
    use_mirror_of_pip
    .venv/bin/uv pip install --quiet --python .venv --require-hashes -r requirements.lock || refuse_without_packages
}

hash_of() {
    sha256sum "$@" | sha256sum | cut -d ' ' -f 1
}

# The place is part of the stamp: a moved environment still points to its old place.
locked="$(hash_of requirements.lock uv.lock.txt) $PWD"
project="$(hash_of pyproject.toml)"

if [ "$(cat .venv/locked.stamp 2>/dev/null)" != "$locked" ] || ! .venv/bin/python -c '' 2>/dev/null; then
    install_locked_packages
    printf '%s\n' "$locked" >.venv/locked.stamp
fi
if [ "$(cat .venv/project.stamp 2>/dev/null)" != "$project" ]; then
    .venv/bin/uv pip install --quiet --python .venv --no-deps --no-build-isolation -e .
    printf '%s\n' "$project" >.venv/project.stamp
fi
