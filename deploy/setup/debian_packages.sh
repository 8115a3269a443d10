#!/usr/bin/env bash
# Installs the named Debian packages that are still missing; asks nothing, and touches apt only when one is missing.
set -euo pipefail
cd "$(dirname "$0")/../.."
source deploy/setup/refuse.sh

LOCK_WAIT_SECONDS=300

is_installed() {
    [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing=()
for package in "$@"; do
    is_installed "$package" || missing+=("$package")
done
if [ "${#missing[@]}" -eq 0 ]; then
    exit 0
fi

by_hand="apt-get install ${missing[*]}"
if ! command -v apt-get >/dev/null; then
    refuse "缺少系统软件包：${missing[*]}。本机没有 apt-get，请用系统自带的工具安装同名字体或软件后重试。" \
        "Missing system packages: ${missing[*]}. There is no apt-get here; install the same with this system's own tool and try again."
fi
if [ "$(id -u)" -eq 0 ]; then
    as_root=()
elif sudo -n true 2>/dev/null; then
    as_root=(sudo -n)
else
    refuse "缺少系统软件包，请让管理员运行 ${by_hand}，然后重试。" \
        "System packages are missing: ask an administrator to run \"${by_hand}\", then try again."
fi

apt() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=a \
        apt-get -q -y -o DPkg::Lock::Timeout="$LOCK_WAIT_SECONDS" -o Dpkg::Use-Pty=0 "$@" </dev/null
}

install_missing() {
    apt --no-install-recommends install "${missing[@]}"
}

# apt waits for the lock of dpkg by itself, but not for the lock of its package lists. A failed update of one
# source is no failure here: the install that follows tells whether what we need is there.
update_lists() {
    local waited=0 output
    while output=$(apt update 2>&1) || true; grep -q 'Could not get lock /var/lib/apt/lists' <<<"$output"; do
        if [ "$waited" -ge "$LOCK_WAIT_SECONDS" ]; then
            break
        fi
        sleep 5
        waited=$((waited + 5))
    done
    printf '%s\n' "$output"
}

log=$(mktemp)
trap 'rm -f "$log"' EXIT
printf '正在安装系统软件包 / Installing system packages: %s\n' "${missing[*]}"
export LC_ALL=C # the words that update_lists looks for
if ! install_missing >"$log" 2>&1; then
    update_lists >"$log"
    if ! install_missing >>"$log" 2>&1; then
        cat "$log" >&2
        refuse "系统软件包没有装上（原因见上），请运行 ${by_hand}，然后重试。" \
            "The system packages could not be installed (the reason is above): run \"${by_hand}\", then try again."
    fi
fi
