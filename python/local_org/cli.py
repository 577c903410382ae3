"""Commands of the local org, one function a verb. Known errors end in one line."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from local_org.server.control import Control
from local_org.server.errors import LocalOrgError
from local_org.server.ready import Ready, default_ready_file

_USAGE, _BUG, _INTERRUPTED = 64, 70, 130

app = typer.Typer(
    help="A Salesforce org that runs here, by itself.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

ReadyFile = Annotated[
    Path | None, typer.Option(help="Where the running org tells how to reach it.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def main() -> None:
    """Run the command line; the exit code tells who can put an error right."""
    try:
        app(standalone_mode=False)
    except LocalOrgError as error:
        typer.echo(f"local-org: {error}", err=True)
        sys.exit(error.exit_code)
    except typer.Exit as done:
        sys.exit(done.exit_code)
    except (typer.Abort, KeyboardInterrupt):
        sys.exit(_INTERRUPTED)
    except Exception as error:
        if hasattr(error, "format_message"):  # click's usage errors
            typer.echo(f"local-org: {error.format_message()}", err=True)
            sys.exit(_USAGE)
        logging.getLogger("local_org").exception("a bug in the local org: please report it")
        sys.exit(_BUG)


@app.command()
def start(
    *,
    https_port: Annotated[int, typer.Option(min=0, max=65535, help="0: a free one.")] = 8443,
    grpc_port: Annotated[int, typer.Option(min=0, max=65535, help="0: a free one.")] = 7443,
    data: Annotated[
        Path | None, typer.Option(help="Folder that keeps the org; without it, it is in memory.")
    ] = None,
    ready_file: ReadyFile = None,
    clock: Annotated[
        str | None, typer.Option(metavar="ISO", help="Org time at the start; default: now.")
    ] = None,
    clock_speed: Annotated[
        float, typer.Option(min=0, help="Org seconds per real second; 0 stands still.")
    ] = 1.0,
) -> None:
    """Run an org in the foreground until SIGTERM or Ctrl-C; one line tells when it is ready."""
    from local_org.server.process import Options, run  # noqa: PLC0415 - other commands start faster

    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s")
    moment = None if clock is None else _instant(clock, "--clock")
    place = ready_file or default_ready_file()
    run(Options(https_port, grpc_port, data, place, moment, clock_speed), _announce)


def _announce(ready: Ready) -> None:
    line = f"ready: {ready.instance_url} grpc {ready.grpc_endpoint} org {ready.org_id}"
    sys.stdout.write(f"{line} (Ctrl-C stops it)\n")
    sys.stdout.flush()


@app.command()
def env(
    ready_file: ReadyFile = None,
    wait: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="For an org that is still starting.")
    ] = 5.0,
) -> None:
    """Print export lines that point cci, sf and the sidecar at the running org."""
    typer.echo(Ready.awaited(ready_file or default_ready_file(), wait).exports())


@app.command()
def stop(ready_file: ReadyFile = None) -> None:
    """Stop the running org."""
    Control(_ready(ready_file)).stop()


@app.command()
def reset(
    data: Annotated[Path, typer.Option(help="Folder of an org that is not running.")],
) -> None:
    """Forget the folder's org: the next start is a fresh one, with the same keys."""
    from local_org.server.process import reset as empty  # noqa: PLC0415 - other commands start faster

    empty(data)


@app.command()
def clock(
    *,
    set_: Annotated[
        str | None, typer.Option("--set", metavar="ISO", help="Jump to an instant.")
    ] = None,
    advance: Annotated[float | None, typer.Option(min=0, metavar="SECONDS")] = None,
    speed: Annotated[
        float | None, typer.Option(min=0, help="Org seconds per real second; 0 stands still.")
    ] = None,
    ready_file: ReadyFile = None,
    as_json: AsJson = False,
) -> None:
    """Tell the org's time, after changing it where that is asked for."""
    moment = None if set_ is None else _instant(set_, "--set").isoformat()
    change = {"set": moment, "advance": advance, "speed": speed}
    given = {name: value for name, value in change.items() if value is not None}
    told = Control(_ready(ready_file)).clock(**given)
    typer.echo(json.dumps(told) if as_json else f"{told['now']} speed {told['speed']:g}")


@app.command()
def fault(
    kind: Annotated[str | None, typer.Argument(help="Without it: list the kinds.")] = None,
    *,
    times: Annotated[
        int | None, typer.Option(min=1, help="Strike so often; default: once.")
    ] = None,
    share: Annotated[float | None, typer.Option(help="Strike this part of calls.")] = None,
    seconds: Annotated[float | None, typer.Option(help="Strike for so long.")] = None,
    path: Annotated[str | None, typer.Option(help="Strike paths that begin so.")] = None,
    delay: Annotated[float | None, typer.Option(help="Seconds that `slow` waits.")] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Let everything work again.")] = False,
    ready_file: ReadyFile = None,
    as_json: AsJson = False,
) -> None:
    """Make the running org misbehave, for one call, a share of calls, or a time."""
    control = Control(_ready(ready_file))
    if clear:
        control.clear_faults()
    how = {"times": times, "share": share, "seconds": seconds, "path": path, "delay": delay}
    told = control.fault(kind, **how) if kind else control.faults()
    typer.echo(json.dumps(told, indent=2) if as_json else _faults(told, kinds=kind is None))


def _faults(told: dict[str, Any], *, kinds: bool) -> str:
    lines = [f"{name:<16} {text}" for name, text in told["kinds"].items()] if kinds else []
    lines += [f"standing: {_order(order)}" for order in told["standing"]]
    return "\n".join(lines) or "done"


def _order(order: dict[str, Any]) -> str:
    parts = (f"{name} {order[name]}" for name in ("left", "share", "seconds", "path"))
    return f"{order['kind']} ({', '.join(parts)})"


def _ready(path: Path | None) -> Ready:
    return Ready.read(path or default_ready_file())


def _instant(text: str, option: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise LocalOrgError(f"{option}: expected ISO 8601, got '{text}'") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


if __name__ == "__main__":
    main()
