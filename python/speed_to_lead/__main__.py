"""``python -m speed_to_lead``."""

from speed_to_lead.cli import main

main()
