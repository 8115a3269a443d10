"""``kezheng log monitor``: watching somebody's register, once or for ever, and witnessing what holds."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import orjson
import typer

from certs.errors import KezhengError
from certs.tlog.note import encode_vkey
from keys.cosigner_file import Cosigner, open_cosigner
from registry.cli.console import CommandLine, error_words, refused_with
from registry.cli.session import command_line, now_utc, read_file, settings_of
from registry.cli.trusted_root import Root, trusted_root
from registry.log_cosigning import cosigned_note
from registry.log_monitor import STALE_AFTER, UNAVAILABLE_CODES, Look, Question, look
from registry.log_source import open_log_source
from registry.monitor_memory import load_memory, memory_lock, replace_file, save_memory
from registry.monitor_report import look_document, look_lines

ALARM_EXIT, UNDETERMINED_EXIT = 1, 2
MEMORY_FILE = "log-monitor.json"
_HOUR = timedelta(hours=1)

State = Annotated[Path | None, typer.Option("--state", metavar="FILE", help="监视记录 / what was seen before")]
Institutions = Annotated[
    list[str] | None, typer.Option("--institution", metavar="CODE", help="列出该机构的每件证书 / tell every leaf")
]
Gossip = Annotated[
    list[Path] | None, typer.Option("--gossip", metavar="FILE", help="他方所见快照 / a checkpoint that others saw")
]
CosignWith = Annotated[
    Path | None, typer.Option("--cosign", metavar="KEYFILE", help="作为见证方签名 / sign as a witness")
]
Name = Annotated[str | None, typer.Option("--name", metavar="NAME", help="见证方名称 / the witness's name")]
Out = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="快照写到何处 / where the note is written")]
StaleHours = Annotated[int, typer.Option("--stale-hours", min=1, help="几小时无新条目即警示 / silent for so long")]
Follow = Annotated[int | None, typer.Option("--follow", metavar="SECONDS", min=1, help="持续监视 / go on looking")]


class _Watch(NamedTuple):
    """What stays the same from look to look."""

    where: str
    memory_file: Path
    cosigner: Cosigner | None
    out: Path | None
    is_followed: bool


def monitor_command(
    context: typer.Context,
    where: Annotated[str, typer.Argument(metavar="URL|DIR", help="已公布的登记簿 / a published register")],
    root: Root = None,
    state: State = None,
    institution: Institutions = None,
    gossip: Gossip = None,
    cosign_with: CosignWith = None,
    name: Name = None,
    out: Out = None,
    stale_hours: StaleHours = STALE_AFTER // _HOUR,
    follow: Follow = None,
) -> int:
    """监视 / Watch a register: forks, rollbacks, times, every certificate of an institution. Exit 1 on an alarm."""
    line, anchor = command_line(context), trusted_root(context, root)
    cosigner = None if cosign_with is None else open_cosigner(cosign_with, name)
    memory_file = state or settings_of(context).home / MEMORY_FILE
    watch = _Watch(where, memory_file, cosigner, out, follow is not None)
    with memory_lock(memory_file):
        while True:
            asked = Question(anchor, institution or (), _notes(gossip or ()), timedelta(hours=stale_hours))
            code = _look_again(line, watch, asked) if watch.is_followed else _look_once(line, watch, asked)
            if follow is None or code == ALARM_EXIT:
                return code
            time.sleep(follow)


def _notes(files: Sequence[Path]) -> list[tuple[str, bytes]]:
    """Other people's checkpoints, read before each look: they change too."""
    return [(str(path), read_file(path)) for path in files]


def _look_again(line: CommandLine, watch: _Watch, asked: Question) -> int:
    """One look of many: a source that does not answer is asked again."""
    try:
        return _look_once(line, watch, asked)
    except KezhengError as error:
        if error.code != "log_source_unreachable":
            raise
        spoken = error_words(error)
        typer.echo(f"{spoken.zh} / {spoken.en} [{error.code}]", err=True)
        return UNDETERMINED_EXIT


def _look_once(line: CommandLine, watch: _Watch, asked: Question) -> int:
    """One look, remembered before a witness signs it; its exit code."""
    now = now_utc()
    with refused_with(UNDETERMINED_EXIT), open_log_source(watch.where) as source:
        seen = look(source, asked, load_memory(watch.memory_file), now)
    document = look_document(seen, watch.where, asked.institutions) | {"cosigned": None}
    if seen.memory is not None:
        save_memory(watch.memory_file, seen.memory)
        note = seen.memory.note
        if watch.cosigner is not None:
            note = cosigned_note(note, watch.cosigner, now)
            document["cosigned"] = _cosigned_document(watch.cosigner, note)
        if watch.out is not None:
            replace_file(watch.out, note)
    _tell(line, watch, seen, document)
    return _exit_code(seen)


def _cosigned_document(cosigner: Cosigner, note: bytes) -> dict[str, Any]:
    """What the registry needs: the key for its delegation, the note for ``kezheng log cosign``."""
    return {"name": cosigner.key.name, "vkey": encode_vkey(cosigner.key), "note": note.decode("utf-8")}


def _tell(line: CommandLine, watch: _Watch, seen: Look, document: dict[str, Any]) -> None:
    """The look; of many looks each is one line of JSON."""
    if watch.is_followed and line.json:
        typer.echo(orjson.dumps(document))
        return
    lines = look_lines(seen, document)
    if watch.cosigner is not None and seen.memory is not None:
        lines.append(f"见证 / witnessed  {encode_vkey(watch.cosigner.key)}")
    line.answer(document, lines)


def _exit_code(seen: Look) -> int:
    if not seen.alarms:
        return 0
    is_only_unavailable = all(alarm.code in UNAVAILABLE_CODES for alarm in seen.alarms)
    return UNDETERMINED_EXIT if is_only_unavailable else ALARM_EXIT
