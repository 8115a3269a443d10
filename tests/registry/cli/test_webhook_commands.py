"""``kezheng webhook …`` as scripts and people use it."""

from __future__ import annotations

from typing import Any

CODE = "P000115000001"
URL = "https://hooks.example.cn/kezheng"


def test_a_webhook_from_its_entry_to_its_end(kezheng: Any) -> None:
    made = kezheng.json("webhook", "add", URL, "--institution", CODE)
    assert set(made) == {"id", "institution", "url", "created_at", "secret"}
    assert made["secret"].startswith("whsec_")
    [listed] = kezheng.json("webhook", "list", "--institution", CODE)["webhooks"]
    assert listed == {name: value for name, value in made.items() if name != "secret"}
    assert kezheng.json("webhook", "ping", made["id"]) == {"pinged": made["id"]}
    messages = kezheng.json("webhook", "messages", made["id"])["messages"]
    assert [(each["state"], each["attempts"], each["last_status"]) for each in messages] == [("waiting", 0, None)] * 2
    assert all(each["next_at"] for each in messages)
    assert kezheng.json("webhook", "remove", made["id"]) == {"removed": made["id"]}
    assert kezheng.json("webhook", "list", "--institution", CODE) == {"webhooks": []}
    ended = kezheng.json("webhook", "messages", made["id"])["messages"]
    assert [(each["state"], each["next_at"]) for each in ended] == [("given_up", None)] * 2


def test_what_people_read(kezheng: Any) -> None:
    said = kezheng("webhook", "add", URL, "--institution", CODE).out
    assert "密钥只显示这一次" in said
    assert URL in kezheng("webhook", "list", "--institution", CODE).out
    assert "waiting" in kezheng("webhook", "messages", 1).out


def test_refusals(kezheng: Any) -> None:
    for arguments, code in (
        (("add", "http://hooks.example.cn", "--institution", CODE), "webhook_url_invalid"),
        (("add", URL, "--institution", "P000999000009"), "institution_unknown"),
        (("ping", "7"), "webhook_unknown"),
        (("messages", "7"), "webhook_unknown"),
        (("remove", "7"), "webhook_unknown"),
    ):
        answer = kezheng("webhook", *arguments, "--json")
        assert (answer.code, answer.document["code"]) == (1, code)
