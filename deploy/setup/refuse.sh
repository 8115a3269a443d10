# shellcheck shell=bash
# Sourced by the other set-up scripts: ends with one sentence, Chinese first, that says what to do next.

refuse() {
    printf '%s\n%s\n' "$1" "$2" >&2
    exit 1
}
