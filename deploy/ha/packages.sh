#!/usr/bin/env bash
# Installs the Debian packages of the database machines and of HAProxy. None of their services is started, now or at
# the next boot, unless it was there before: which machine runs what is for who sets it up, or for a rehearsal.
set -euo pipefail
cd "$(dirname "$0")/../.."

POLICY=/usr/sbin/policy-rc.d
packages=(iproute2 util-linux haproxy etcd-server etcd-client patroni)
if ! compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null; then
    packages+=(postgresql)
fi

is_installed() {
    [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo -n "$@"
    fi
}

missing=()
for package in "${packages[@]}"; do
    is_installed "$package" || missing+=("$package")
done
if [ "${#missing[@]}" -eq 0 ]; then
    exit 0
fi

# Debian asks this program before a package starts a service; 101 is "no". One that is there already decides itself.
has_policy=no
if [ ! -e "$POLICY" ] && { [ "$(id -u)" -eq 0 ] || sudo -n true 2>/dev/null; }; then
    has_policy=yes
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$POLICY" >/dev/null
    as_root chmod 755 "$POLICY"
    trap 'as_root rm -f "$POLICY"' EXIT
fi

deploy/setup/debian_packages.sh "${missing[@]}"

# Installing enables them for the next boot.
if [ "$has_policy" = yes ] && command -v systemctl >/dev/null; then
    for service in haproxy etcd patroni postgresql; do
        for package in "${missing[@]}"; do
            if [ "${package%-server}" = "$service" ]; then
                as_root systemctl disable --quiet "$service" 2>/dev/null || true
            fi
        done
    done
fi
