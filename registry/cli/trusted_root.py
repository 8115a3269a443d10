"""The anchor of commands that judge somebody's publication: a file that the caller names, else what the home pinned."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from certs.errors import KezhengError
from certs.root_chain import RootKey
from registry.cli.session import settings_of
from registry.home import read_pinned_root

Root = Annotated[Path | None, typer.Option("--root", metavar="FILE", help="可信根 / the trusted root.jwk")]


def trusted_root(context: typer.Context, file: Path | None) -> RootKey:
    """The anchor. Raises KezhengError ``file_not_found``, ``root_file_invalid``, ``root_needed``."""
    root = read_pinned_root(file or settings_of(context).pinned_root_file)
    if root is not None:
        return root
    if file is not None:
        raise KezhengError("file_not_found", path=str(file))
    raise KezhengError("root_needed")
