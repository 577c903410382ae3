"""Writes the output in docs/kpis.md and docs/dashboard.svg: ``python -m tests.journeys.kpi_pages docs``.

A month of leads is played to a fresh local org; what its Analytics API then answers is written down.
Stamps, sources and deadlines are the same each time; when a queue hands over depends on how fast the
machine is, so the numbers of owners and of routing differ a little from run to run.
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from speed_to_lead.demo.native import report_table
from tests.journeys.drawing import draw
from tests.journeys.kpis import REPORTS, month

SEED, LEADS = 30, 2000
BEGIN, END = "<!-- reports: begin -->\n", "<!-- reports: end -->\n"


def main(docs: Path) -> None:
    """Write the picture, and the tables between the marks of the page."""
    page = docs / "kpis.md"
    head, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    tail = rest.partition(END)[2]
    with tempfile.TemporaryDirectory() as directory:
        print("a month of leads passes in a local org: about a minute", file=sys.stderr)
        with month(Path(directory), SEED, LEADS) as passed:
            draw(passed.dashboard(), docs / "dashboard.svg")
            tables = [text(passed.report(name)) for name in REPORTS]
            told = passed.scene.command(
                "kpis", "--as-of", f"{passed.now:%Y-%m-%dT%H:%M:%SZ}", COLUMNS="200"
            )
    shown = "\n".join(line.rstrip() for line in told.stdout.splitlines())
    ledger = f"$ speed-to-lead kpis --as-of {passed.now:%Y-%m-%dT%H:%M:%SZ}\n{shown}"
    body = "".join(f"```text\n{table}\n```\n\n" for table in [*tables, ledger])
    page.write_text(f"{head}{BEGIN}\n{body}{END}{tail}", encoding="utf-8")


def text(report: dict[str, object]) -> str:
    """Return a report as the page shows it."""
    console = Console(file=io.StringIO(), width=118, record=True)
    console.print(report_table(report))
    lines = console.export_text().rstrip().splitlines()
    return "\n".join(line.rstrip() for line in lines)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
