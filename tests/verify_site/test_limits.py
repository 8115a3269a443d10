"""The limits themselves: bounded memory, exact counts, addresses of clients."""

from __future__ import annotations

from datetime import date

import pytest

from certs.errors import KezhengError
from verify_site.client_address import ClientAddresses
from verify_site.rate_limits import ClientBudget, WrongNames

TODAY = date(2026, 11, 20)


def test_a_budget_counts_units_in_a_window() -> None:
    budget = ClientBudget(20)
    assert budget.take("a", 20, 0) == 0
    assert budget.take("a", 1, 10) == 3590
    assert budget.take("b", 20, 10) == 0
    assert budget.take("a", 1, 3600) == 0


def test_what_is_refused_is_not_taken() -> None:
    budget = ClientBudget(20)
    assert budget.take("a", 21, 0) > 0
    assert budget.take("a", 20, 0) == 0


def test_a_budget_remembers_a_bounded_number_of_clients() -> None:
    budget = ClientBudget(1, max_clients=100)
    for client in range(1000):
        budget.take(str(client), 1, 0)
    assert len(budget._windows) == 100
    assert budget.take("999", 1, 0) > 0


def test_wrong_names_close_a_number_for_the_day_and_no_other() -> None:
    wrong = WrongNames()
    for _ in range(10):
        assert not wrong.is_closed("A", TODAY)
        wrong.record("A", TODAY)
    assert wrong.is_closed("A", TODAY)
    assert not wrong.is_closed("B", TODAY)
    assert not wrong.is_closed("A", date(2026, 11, 21))


def test_other_numbers_push_no_number_out_of_memory() -> None:
    wrong = WrongNames()
    for _ in range(10):
        wrong.record("A", TODAY)
    for other in range(20_000):
        wrong.record(f"N{other}", TODAY)
    assert wrong.is_closed("A", TODAY)


def client_of(addresses: ClientAddresses, peer: str | None, forwarded: str = "") -> str:
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    return addresses.client_of({"client": (peer, 1) if peer else None, "headers": headers})


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.7", "", "203.0.113.7"),
        ("203.0.113.7", "198.51.100.1", "203.0.113.7"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "1.1.1.1, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1, nonsense", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "", "203.0.113.7"),
        (None, "198.51.100.1", "unknown"),
    ],
)
def test_the_client_is_the_peer_unless_a_proxy_speaks_for_it(peer: str | None, forwarded: str, client: str) -> None:
    assert client_of(ClientAddresses(["10.0.0.0/8"]), peer, forwarded) == client


def test_a_proxy_that_is_no_address_is_refused_at_start() -> None:
    with pytest.raises(KezhengError) as refusal:
        ClientAddresses(["proxy.example"])
    assert refusal.value.code == "settings_invalid"
