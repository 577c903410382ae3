"""The org as every wire protocol asks it: sessions, records, queries, describes, metadata."""

from local_org.org.facade import Org
from local_org.org.sessions import Session
from local_org.records.results import SaveResult

__all__ = ["Org", "SaveResult", "Session"]
