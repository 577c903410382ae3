"""Answers compressed for who takes them so.

Source: the REST reference, "Use Compression": an answer is compressed only where ``Accept-Encoding``
asks for it, and need not be even then; small ones are not.
"""

from __future__ import annotations

import zlib
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

_FEWEST_BYTES: Final = 2048
"""Below it an answer is hardly shorter and no sooner there."""
_LEVEL: Final = 1
"""Whoever asks is on the same machine: time counts, not bytes."""
_GZIP_BITS: Final = 31


def accepts_gzip(header: str) -> bool:
    """Whether an ``Accept-Encoding`` allows gzip.

    >>> accepts_gzip("gzip, deflate"), accepts_gzip("br, *"), accepts_gzip("gzip;q=0, *")
    (True, True, False)
    """
    weights = {}
    for part in header.lower().split(","):
        name, _, parameter = part.partition(";")
        weights[name.strip()] = parameter.replace(" ", "")
    asked = weights.get("gzip", weights.get("*"))
    return asked is not None and asked.strip("0.") != "q="


def compress(request: Request, response: Response) -> None:
    """Compress the body of an answer, where that is asked for and worth it."""
    body = bytes(response.body)
    if len(body) < _FEWEST_BYTES or not accepts_gzip(request.headers.get("accept-encoding", "")):
        return
    deflate = zlib.compressobj(_LEVEL, wbits=_GZIP_BITS)
    response.body = deflate.compress(body) + deflate.flush()
    response.headers["Content-Encoding"] = "gzip"
    response.headers["Content-Length"] = str(len(response.body))
    response.headers["Vary"] = "Accept-Encoding"
