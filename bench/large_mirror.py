"""The site over a large publication: apart from what makes one, so that its start loads what a mirror's does."""

from __future__ import annotations

import os
from pathlib import Path

from fastapi import FastAPI

from registry.log_cache.cache import DiskLogCache
from verify_site.app import create_mirror_app
from verify_site.published_folder import PublishedFolder
from verify_site.site_settings import PINNED_ROOT_FILE, PublicSettings
from verify_site.source import RefreshingSource, apart_from_collection

FOLDER = "KEZHENG_BENCH_FOLDER"
PUBLIC_URL = "https://verify.example.cn"


def source_of(folder: Path) -> RefreshingSource:
    """The site's own source over a publication."""
    settings = settings_of(folder)
    published = PublishedFolder(folder / "published", settings.home / PINNED_ROOT_FILE)
    return RefreshingSource(published, cache=DiskLogCache(settings.cache_folder), loading=apart_from_collection)


def settings_of(folder: Path) -> PublicSettings:
    return PublicSettings(folder / "home", "", PUBLIC_URL)


def mirror() -> FastAPI:
    """The site over the publication that the environment names."""
    folder = Path(os.environ[FOLDER])
    return create_mirror_app(settings_of(folder), folder / "published")
