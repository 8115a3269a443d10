"""Metrics as Prometheus parses them."""

from __future__ import annotations

from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample


def samples(exposition: bytes) -> dict[tuple[str, ...], float]:
    """Name and label values of every sample, the labels in the order of their names."""
    found: list[Sample] = []
    for family in text_string_to_metric_families(exposition.decode("utf-8")):
        found += family.samples
    return {(sample.name, *(sample.labels[name] for name in sorted(sample.labels))): sample.value for sample in found}


def scraped(port: int) -> dict[tuple[str, ...], float]:
    """The same, asked of a process on a port of loopback."""
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as response:
        return samples(response.read())
