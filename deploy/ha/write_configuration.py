"""Writes the configuration of every machine: ``python3 -m deploy.ha.write_configuration machines.toml out/``.

One folder for each machine, to be copied to it. Passwords are made on the first run, kept in ``out/passwords.toml`` for
the owner alone, and used again by every later run.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from deploy.ha.configuration import ROLES_FILE, debian_places, files_of_machine, roles_sql
from deploy.ha.plan import Plan, PlanInvalid, kept_passwords, read_plan, version_of

FOLDER_MODE, FILE_MODE = 0o700, 0o600
PASSWORDS_FILE = "passwords.toml"


def write_configuration(plan: Plan, folder: Path, version: int) -> list[Path]:
    """Write the files of all machines below a folder; which."""
    places = debian_places(version)
    texts = {folder / ROLES_FILE: roles_sql(plan)}
    for machine in plan.addresses:
        files = files_of_machine(plan, machine, places)
        texts |= {folder / machine / name: text for name, text in files.items()}
    for path, text in texts.items():
        path.parent.mkdir(FOLDER_MODE, parents=True, exist_ok=True)
        path.touch(FILE_MODE)
        path.write_text(text, "utf-8")
    return list(texts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("plan", type=Path, metavar="machines.toml")
    parser.add_argument("folder", type=Path, metavar="out/")
    parser.add_argument("--postgresql", type=int, default=15, help="major version on the database machines")
    parser.add_argument("--patroni", default="3.0.2", help="its version on the database machines")
    chosen = parser.parse_args()
    chosen.folder.mkdir(FOLDER_MODE, parents=True, exist_ok=True)
    try:
        plan = read_plan(chosen.plan, kept_passwords(chosen.folder / PASSWORDS_FILE), version_of(chosen.patroni))
    except PlanInvalid as refused:
        sys.exit(str(refused))
    for path in write_configuration(plan, chosen.folder, chosen.postgresql):
        sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
