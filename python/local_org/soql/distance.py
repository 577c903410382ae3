"""DISTANCE(location, GEOLOCATION(latitude, longitude), unit): how far a record is from a point.

Source: SOQL and SOSL Reference, "Location-Based SOQL Queries": the haversine formula over the mean
radius of the Earth; in a condition, only ``<`` and ``>``.
"""

from __future__ import annotations

from math import asin, cos, radians, sin, sqrt

from local_org.records.shape import compound_parts
from local_org.schema.model import FieldType
from local_org.soql.nodes import Call, Literal, Path
from local_org.soql.scope import Scope, Term

DISTANCE = "soql_distance"
"""SQL function: kilometres between two points, both as latitude and longitude; NULL without one."""
_RADIUS_KM = 6371.0088
_KM_PER_UNIT = {"km": 1.0, "mi": 1.609344}
_RANGES = (("latitude", 90), ("longitude", 180))


def distance_km(
    latitude: float | None, longitude: float | None, to_latitude: float, to_longitude: float
) -> float | None:
    """Return kilometres along the Earth's surface."""
    if latitude is None or longitude is None:
        return None
    phi, to_phi = radians(latitude), radians(to_latitude)
    across = sin((to_phi - phi) / 2) ** 2
    along = sin(radians(to_longitude - longitude) / 2) ** 2
    return 2 * _RADIUS_KM * asin(min(1.0, sqrt(across + cos(phi) * cos(to_phi) * along)))


def distance_term(scope: Scope, call: Call) -> Term:
    """Return the SQL of a DISTANCE whose arguments have been checked for their kinds.

    :raises OrgError: ``INVALID_FIELD``: no such field; ``MALFORMED_QUERY``: it is no location, or
        the point is nowhere on Earth.
    """
    place, point, unit = call.arguments
    if not isinstance(place, Path) or not isinstance(point, Call) or not isinstance(unit, Literal):
        raise TypeError(call)
    trail = scope.steps(place)
    found = scope.field(trail[-1], place.parts[-1], place.at).field
    if found is None or found.type not in (FieldType.ADDRESS, FieldType.LOCATION):
        message = f"{place} is not a location: DISTANCE takes a geolocation or an address"
        raise scope.statement.faults.malformed(message, place.at)
    parts = dict(compound_parts(trail[-1].entity, found))
    columns = [scope.term(trail[-1], parts[name]).sql for name, _ in _RANGES]
    sql = f"{DISTANCE}({', '.join(columns)}, ?, ?) / ?"
    params = (*_point(scope, point), _KM_PER_UNIT[unit.text.lower()])
    return Term(f"({sql})", FieldType.DOUBLE, "DISTANCE", params, outer=True)


def _point(scope: Scope, point: Call) -> list[float]:
    numbers = [float(each.text) for each in point.arguments if isinstance(each, Literal)]
    for number, (name, most) in zip(numbers, _RANGES, strict=True):
        if not abs(number) <= most:
            message = f"expected a {name} from -{most} to {most}, got {number:g}"
            raise scope.statement.faults.malformed(message, point.at)
    return numbers
