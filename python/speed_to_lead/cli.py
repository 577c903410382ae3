"""Commands: one function a verb. Known errors end in one line and their exit code, bugs in a traceback."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from speed_to_lead.errors import SpeedToLeadError

_OK, _FAILED, _TRY_LATER = 0, 64, 75

app = typer.Typer(
    help="Time to first response for Salesforce Leads.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
policy_app = typer.Typer(help="Ask the policy, offline.", no_args_is_help=True)
app.add_typer(policy_app, name="policy")
quarantine_app = typer.Typer(
    help="What was set aside: list it, try it again, throw it away.", no_args_is_help=True
)
app.add_typer(quarantine_app, name="quarantine")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
LedgerFile = Annotated[
    Path, typer.Option("--ledger", help="The ledger file.", envvar="SPEED_TO_LEAD_LEDGER")
]
_LEDGER = Path("speed-to-lead.sqlite3")
Entries = Annotated[list[int] | None, typer.Argument(metavar="[ID]...", help="See `list`.")]
PolicyFile = Annotated[
    Path, typer.Option("--policy", help="The policy file.", envvar="SPEED_TO_LEAD_POLICY")
]


def main() -> None:
    """Run the command line; the exit code tells who can put an error right."""
    try:
        sys.exit(app(standalone_mode=False) or _OK)
    except SpeedToLeadError as error:
        typer.echo(f"speed-to-lead: {error}", err=True)
        sys.exit(error.exit_code)
    except typer.Abort:
        sys.exit(130)
    except Exception as error:
        if not hasattr(error, "format_message"):
            raise
        typer.echo(f"speed-to-lead: {error.format_message()}", err=True)  # click's usage errors
        sys.exit(_FAILED)


@app.command()
def run(
    until_idle: Annotated[
        float | None, typer.Option(help="End by itself after this many seconds without a change.")
    ] = None,
) -> None:
    """Listen to changes, route and stamp Leads, until SIGTERM."""
    from speed_to_lead import service, settings, telemetry  # noqa: PLC0415 - other commands start faster

    configured = settings.load_settings()
    telemetry.configure_logging(configured.log_level)
    asyncio.run(service.run(configured, until_idle))


@app.command()
def demo(
    seed: Annotated[int, typer.Option(help="Equal seeds give equal weeks.")] = 7,
    leads: Annotated[int, typer.Option(min=1, help="How many Leads arrive.")] = 200,
    days: Annotated[int, typer.Option(min=1, help="Over how many days.")] = 7,
) -> None:
    """Start a local org, deploy to it, let a week of Leads pass, and check every stamp."""
    from speed_to_lead.demo import demo as play  # noqa: PLC0415 - other commands start faster

    raise typer.Exit(play(seed, leads, days))


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Try everything that `run` needs, and say what to do about what is missing."""
    from speed_to_lead.doctor import Doctor, Finding  # noqa: PLC0415 - other commands start faster
    from speed_to_lead.settings import load_settings  # noqa: PLC0415

    async def everything() -> list[Finding]:
        return [finding async for finding in Doctor(load_settings()).findings()]

    findings = asyncio.run(everything())
    rows = [
        {"check": f.name, "ok": f.good, "level": f.level.value, "finding": f.words}
        for f in findings
    ]
    _show(rows if as_json else [_without_ok(row) for row in rows], as_json)
    raise typer.Exit(_OK if all(f.good for f in findings) else _FAILED)


def _without_ok(row: dict[str, Any]) -> dict[str, Any]:
    """Return a finding as a person reads it: its level says it all."""
    return {name: value for name, value in row.items() if name != "ok"}


@app.command()
def explain(
    lead: Annotated[str, typer.Argument(metavar="LEAD_ID")],
    policy: PolicyFile = Path("policy.json"),
    ledger: LedgerFile = _LEDGER,
    as_json: AsJson = False,
) -> None:
    """Tell why a Lead went where it went, and what its first response rests on."""
    from speed_to_lead import explain as explaining  # noqa: PLC0415 - other commands start faster
    from speed_to_lead.explain import show  # noqa: PLC0415
    from speed_to_lead.policy import load_policy  # noqa: PLC0415

    told = explaining.explain(ledger, lead, load_policy(policy))
    if as_json:
        typer.echo(json.dumps(told.as_json(), indent=2))
    else:
        Console().print(show.rendered(told))


@app.command()
def backfill(
    since: Annotated[str, typer.Option(help="ISO 8601; records modified since then are judged.")],
) -> None:
    """Judge every record modified since an instant as it is now, without listening."""
    from speed_to_lead import service, settings, telemetry  # noqa: PLC0415 - other commands start faster

    configured = settings.load_settings()
    telemetry.configure_logging(configured.log_level)
    asyncio.run(service.backfill(configured, since))


@quarantine_app.command("list")
def quarantine_list(as_json: AsJson = False, ledger: LedgerFile = _LEDGER) -> None:
    """List what was set aside: events that could not be read, and writes that the org refused."""
    from speed_to_lead.ledger import Ledger  # noqa: PLC0415 - other commands start faster

    opened = Ledger.read(ledger)
    try:
        rows = [
            {
                "id": each.id,
                "topic": each.entry.topic,
                "record_id": each.entry.record_id,
                "bytes": len(each.entry.payload),
                "reason": each.entry.reason,
            }
            for each in opened.quarantine()
        ]
    finally:
        opened.close()
    _show(rows, as_json)


@quarantine_app.command("retry")
def quarantine_retry(ids: Entries = None) -> None:
    """Try entries again, all of them if none is named; stop the sidecar first."""
    from speed_to_lead import care, settings, telemetry  # noqa: PLC0415 - other commands start faster

    configured = settings.load_settings()
    telemetry.configure_logging(configured.log_level)
    gone, stay = asyncio.run(care.retry(configured, ids or []))
    typer.echo(f"{gone} settled, {stay} still in the quarantine")
    raise typer.Exit(_TRY_LATER if stay else _OK)


@quarantine_app.command("drop")
def quarantine_drop(ids: Entries = None, ledger: LedgerFile = _LEDGER) -> None:
    """Throw entries away, all of them if none is named; stop the sidecar first."""
    from speed_to_lead import care  # noqa: PLC0415 - other commands start faster

    typer.echo(f"{care.drop(ledger, ids or [])} dropped")


@app.command()
def forget(
    lead: Annotated[str, typer.Argument(metavar="LEAD_ID")], ledger: LedgerFile = _LEDGER
) -> None:
    """Erase all that the ledger holds of a Lead; stop the sidecar first."""
    from speed_to_lead import care  # noqa: PLC0415 - other commands start faster

    gone = care.forget(ledger, lead)
    typer.echo("erased " + ", ".join(f"{rows} {table}" for table, rows in gone.items()))


@app.command()
def backup(
    target: Annotated[Path, typer.Argument(metavar="FILE")], ledger: LedgerFile = _LEDGER
) -> None:
    """Copy the ledger to a file that is not there yet, while the sidecar runs."""
    from speed_to_lead import care  # noqa: PLC0415 - other commands start faster

    typer.echo(f"{target}: {care.backup(ledger, target)} bytes")


@app.command()
def kpis(
    days: Annotated[int, typer.Option(min=1, help="Leads that came in so many days.")] = 30,
    as_of: Annotated[str, typer.Option(help="ISO 8601; the end of those days. Default: now.")] = "",
    as_json: AsJson = False,
    ledger: LedgerFile = _LEDGER,
    policy: PolicyFile = Path("policy.json"),
) -> None:
    """Print the numbers as the ledger has them, by lead source, to hold beside the org's reports.

    Imports are left out, as the policy defines them, if there is one.
    """
    from speed_to_lead.figures import by_source  # noqa: PLC0415 - other commands start faster
    from speed_to_lead.policy import load_policy  # noqa: PLC0415

    rules = load_policy(policy) if policy.exists() else None
    _show(by_source(ledger, days, as_of, rules), as_json)


@app.command()
def audit(
    days: Annotated[int, typer.Option(min=1, help="Leads that came in so many days.")] = 30,
    as_json: AsJson = False,
) -> None:
    """Judge the org's records anew, and list Leads that say otherwise or that nobody will answer."""
    from speed_to_lead.audit import audit as auditing  # noqa: PLC0415 - other commands start faster
    from speed_to_lead.settings import load_settings  # noqa: PLC0415

    async def everything() -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
            task = progress.add_task("auditing", total=None)
            async for part in auditing(load_settings(), days):
                progress.update(task, total=part.of, advance=part.leads)
                rows += [asdict(each) for each in part.findings]
        return rows

    rows = asyncio.run(everything())
    _show(rows, as_json)
    raise typer.Exit(_FAILED if rows else _OK)


@policy_app.command("check")
def policy_check(policy: Annotated[Path, typer.Argument(metavar="FILE")]) -> None:
    """Validate a policy against its schema and its own logic; one line for each finding."""
    from speed_to_lead.policy import check  # noqa: PLC0415 - other commands start faster

    findings = check(policy)
    for finding in findings:
        typer.echo(finding)
    if not findings:
        typer.echo(f"{policy}: valid")
    raise typer.Exit(_FAILED if findings else _OK)


@policy_app.command("show")
def policy_show(policy: Annotated[Path, typer.Argument(metavar="FILE")]) -> None:
    """Print the tree of routes, version and digest."""
    from speed_to_lead.policy import load_policy, show  # noqa: PLC0415 - other commands start faster

    typer.echo(show(load_policy(policy)))


@policy_app.command("test")
def policy_test(
    policy: Annotated[Path, typer.Argument(metavar="FILE")],
    employees: Annotated[int | None, typer.Option(min=0)] = None,
    country: Annotated[str | None, typer.Option()] = None,
    source: Annotated[str | None, typer.Option()] = None,
    industry: Annotated[str | None, typer.Option()] = None,
    as_json: AsJson = False,
) -> None:
    """Tell where the policy would send such a Lead, and why."""
    from speed_to_lead.policy import load_policy  # noqa: PLC0415 - other commands start faster
    from speed_to_lead.routing import route  # noqa: PLC0415

    inputs = {"employees": employees, "country": country, "source": source, "industry": industry}
    routed = route(load_policy(policy), inputs)
    told = {
        "route": routed.route,
        "segment": routed.segment,
        "region": routed.region,
        "owner": routed.owner.model_dump(exclude_none=True),
        "trace": [dict(step) for step in routed.trace],
    }
    if as_json:
        typer.echo(json.dumps(told, indent=2))
        return
    for name in ("route", "segment", "region"):
        typer.echo(f"{name:<8} {told[name]}")
    typer.echo(f"owner    {routed.owner}")
    for step in routed.trace:
        typer.echo(f"  {'yes' if step['matched'] else 'no':<4} {step['route']}: {step['why']}")


def _show(rows: list[dict[str, Any]], as_json: bool) -> None:
    """Print rows as JSON or as a table; an empty table says so."""
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    if not rows:
        typer.echo("nothing")
        return
    table = Table(box=None, pad_edge=False)
    for name in rows[0]:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(str(value) for value in row.values()))
    Console().print(table)
