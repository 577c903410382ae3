"""The org by REST: the only module that reads it and the only one that writes to it."""

from speed_to_lead.salesforce.auth import Token
from speed_to_lead.salesforce.client import ROWS_PER_CALL, Salesforce, SaveOutcome

__all__ = ["ROWS_PER_CALL", "Salesforce", "SaveOutcome", "Token"]
