"""Query answers as REST gives them, page by page: what does not fit stays under a locator."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from local_org.errors import OrgError
from local_org.records.store import Store
from local_org.soql.run import Result

_MOST_CURSORS = 100
_CURSOR_PREFIX = "01g"


@dataclass(frozen=True, slots=True)
class _Cursor:
    """An answer that is read page by page, by the user who asked."""

    user_id: str
    version: str
    batch_size: int
    result: Result


class Cursors:
    """Open answers; the oldest give way when there are too many."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._open: OrderedDict[str, _Cursor] = OrderedDict()

    def answer(self, result: Result, user_id: str, version: str, batch_size: int) -> dict[str, Any]:
        """Return the first page of an answer."""
        if len(result.records) <= batch_size:
            return {"totalSize": result.total, "done": True, "records": result.records}
        cursor_id = self._store.next_id(_CURSOR_PREFIX)
        self._open[cursor_id] = _Cursor(user_id, version, batch_size, result)
        if len(self._open) > _MOST_CURSORS:
            self._open.popitem(last=False)
        return self._page(cursor_id, 0)

    def more(self, locator: str, user_id: str) -> dict[str, Any]:
        """Return the page of a locator ``01g…-2000``; any page can be asked for again.

        :raises OrgError: ``INVALID_QUERY_LOCATOR``: unknown, or another user's.
        """
        cursor_id, _, start = locator.partition("-")
        cursor = self._open.get(cursor_id)
        if cursor is None or cursor.user_id != user_id or not start.isdecimal():
            raise OrgError("INVALID_QUERY_LOCATOR", "invalid query locator")
        return self._page(cursor_id, int(start))

    def _page(self, cursor_id: str, start: int) -> dict[str, Any]:
        cursor = self._open[cursor_id]
        result, end = cursor.result, start + cursor.batch_size
        answer: dict[str, Any] = {"totalSize": result.total, "done": end >= len(result.records)}
        if not answer["done"]:
            base = f"/services/data/v{cursor.version}/query"
            answer["nextRecordsUrl"] = f"{base}/{cursor_id}-{end}"
        answer["records"] = result.records[start:end]
        return answer


def tooling_answer(result: Result) -> dict[str, Any]:
    """Return an answer as the Tooling API gives it: always on one page."""
    records = result.records
    return {
        "size": len(records),
        "totalSize": result.total,
        "done": True,
        "queryLocator": None,
        "entityTypeName": result.entity if records else None,
        "records": records,
    }
