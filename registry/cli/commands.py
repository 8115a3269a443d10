"""The commands of ``kezheng``, gathered."""

from __future__ import annotations

import typer

from registry.cli.backup_command import backup_command
from registry.cli.compromise_commands import compromise_command, reissue_command
from registry.cli.database_commands import databases
from registry.cli.institution_commands import institutions
from registry.cli.jobs_commands import jobs
from registry.cli.keys_commands import keys
from registry.cli.log_commands import logs
from registry.cli.recover_command import recover_command
from registry.cli.replace_commands import correct_command, reprint_command
from registry.cli.roster_commands import batches, issue_command, rosters
from registry.cli.setup_commands import demo_command, init_command, publish_command, serve_command
from registry.cli.status_commands import statuses
from registry.cli.verify_commands import equivalence_command, trust, verify_command
from registry.cli.webhook_commands import webhooks

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help="可证 Kezheng：发证登记与查验 / certification registry. Every command takes --json and --home DIR.",
)
app.command("init")(init_command)
app.command("demo")(demo_command)
app.command("serve")(serve_command)
app.command("publish")(publish_command)
app.command("issue")(issue_command)
app.command("verify")(verify_command)
app.command("equivalence")(equivalence_command)
app.command("correct")(correct_command)
app.command("reprint")(reprint_command)
app.command("recover")(recover_command)
app.command("backup")(backup_command)
app.add_typer(institutions, name="institution")
app.add_typer(rosters, name="roster")
app.add_typer(batches, name="batch")
app.add_typer(jobs, name="jobs")
app.add_typer(statuses, name="status")
app.add_typer(trust, name="trust")
app.add_typer(keys, name="keys")
keys.command("compromise")(compromise_command)
keys.command("reissue")(reissue_command)
app.add_typer(logs, name="log")
app.add_typer(databases, name="database")
app.add_typer(webhooks, name="webhook")
