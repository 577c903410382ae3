"""The org by REST: the only module that reads it and the only one that writes to it."""

from speed_to_lead.salesforce.auth import Token
from speed_to_lead.salesforce.client import Salesforce, SaveOutcome

__all__ = ["Salesforce", "SaveOutcome", "Token"]
