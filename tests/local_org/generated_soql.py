"""Rows and queries for the comparison with a naive evaluation, and queries as SOQL writes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from local_org.ids import record_id
from local_org.schema.registry import standard_schema
from tests.local_org.naive_soql import (
    ANY,
    ONE,
    Aggregate,
    Among,
    Compare,
    Joined,
    Like,
    Opposite,
    Select,
    Sort,
    World,
)

START = datetime(2026, 11, 4, 15, 30, tzinfo=UTC)
USERS = [record_id("005", n) for n in (1, 2)]
QUEUE = record_id("00G", 1)
SOURCES = ("Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Other")
STATUSES = ("Not Started", "In Progress", "Completed")
TEXTS = ("Ada", "ADA", "ada%", "Bö_b", "BÖ_B", "O'Hara", "a\\d", "żak", "ŻAK", "zed", "Äda", "äDA")
TEXT_FIELDS = {"Lead": ("LastName", "FirstName", "Company"), "Task": ("Subject",)}
PATHS = {"Lead": (("Owner", "Name"),), "Task": (("Owner", "Name"), ("Who", "Name"))}
SCHEMA = standard_schema()
RANKS = {
    "LeadSource": [v.value for v in SCHEMA.object("Lead").fields["leadsource"].picklist],
    "Status": [v.value for v in SCHEMA.object("Task").fields["status"].picklist],
}
PARENTS = {"Owner": "OwnerId", "Account": "AccountId", "Who": "WhoId", "CreatedBy": "CreatedById"}
CHILDREN = {"Tasks": ("Task", "WhoId")}


# -- rows -----------------------------------------------------------------------------------------

texts = st.sampled_from(TEXTS)
instants = st.integers(0, 9).map(lambda n: START + timedelta(minutes=n))
amounts = st.integers(-8, 8).map(lambda n: n / 4)


def numbered(prefix, **fields):
    """Return lists of rows with these fields; their ids count from one."""
    rows = st.lists(st.fixed_dictionaries(fields), max_size=9)
    return rows.map(
        lambda made: [{"Id": record_id(prefix, n), **row} for n, row in enumerate(made, 1)]
    )


LEADS = numbered(
    "00Q",
    LastName=texts,
    Name=texts,
    FirstName=st.none() | texts,
    Company=texts.filter(str.isascii),
    LeadSource=st.none() | st.sampled_from(SOURCES),
    NumberOfEmployees=st.none() | st.integers(-2, 5),
    AnnualRevenue=st.none() | amounts,
    CreatedDate=instants,
    IsConverted=st.booleans(),
    OwnerId=st.sampled_from([*USERS, QUEUE]),
)
PEOPLE: dict[str, list[dict[str, Any]]] = {
    "User": [
        {"Id": USERS[0], "Name": "Rita Rep", "IsActive": True},
        {"Id": USERS[1], "Name": "ränk Rep", "IsActive": False},
    ],
    "Group": [{"Id": QUEUE, "Name": "Fresh", "Type": "Queue"}],
}
ACCOUNTS = numbered("001", Name=texts, OwnerId=st.sampled_from(USERS))


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Make an org's rows: tasks point at its leads, contacts at its accounts."""
    leads, accounts = draw(LEADS), draw(ACCOUNTS)

    def one_of(rows):
        return st.sampled_from([None, *(row["Id"] for row in rows)])

    tasks = draw(
        numbered(
            "00T",
            Subject=st.none() | texts,
            WhoId=one_of(leads),
            Status=st.sampled_from(STATUSES),
            IsClosed=st.booleans(),
            CreatedDate=instants,
            OwnerId=st.sampled_from(USERS),
        )
    )
    contacts = draw(
        numbered("003", LastName=texts, AccountId=one_of(accounts), OwnerId=st.just(USERS[0]))
    )
    tables = {"Lead": leads, "Task": tasks, "Account": accounts, "Contact": contacts, **PEOPLE}
    return World(tables, PARENTS, CHILDREN, RANKS)


def rich() -> World:
    """Return rows of every kind: with and without each value, in every case of letters."""
    leads = [
        {
            "Id": record_id("00Q", n + 1),
            "LastName": TEXTS[n % len(TEXTS)],
            "Name": TEXTS[n % len(TEXTS)],
            "FirstName": [None, *TEXTS][n % (len(TEXTS) + 1)],
            "Company": "Acme",
            "LeadSource": [None, *SOURCES][n % (len(SOURCES) + 1)],
            "NumberOfEmployees": [None, 0, 1, 3][n % 4],
            "AnnualRevenue": [None, -0.25, 1.5][n % 3],
            "CreatedDate": START + timedelta(minutes=n % 10),
            "IsConverted": n % 2 == 1,
            "OwnerId": [*USERS, QUEUE][n % 3],
        }
        for n in range(26)
    ]
    tasks = [
        {
            "Id": record_id("00T", n + 1),
            "Subject": [None, *TEXTS][n % (len(TEXTS) + 1)],
            "WhoId": [None, *(row["Id"] for row in leads[:5])][n % 6],
            "Status": STATUSES[n % 3],
            "IsClosed": n % 3 == 2,
            "CreatedDate": START + timedelta(minutes=n % 10),
            "OwnerId": USERS[n % 2],
        }
        for n in range(30)
    ]
    return World({"Lead": leads, "Task": tasks, **PEOPLE}, PARENTS, CHILDREN, RANKS)


# -- queries --------------------------------------------------------------------------------------

pieces = st.lists(st.sampled_from((ANY, ONE, "%", "_", "'", "\\", "a", "D", "ö", "Ö", "Ż", "b")))
signs = st.sampled_from(("=", "!=", "<", "<=", ">", ">="))
equality = st.sampled_from(("=", "!="))


def compares(steps, operators, values):
    """Return comparisons of one field."""
    return st.builds(Compare, st.just(steps), operators, values)


def leaves(entity):
    """Return conditions on one field of a lead or a task, or of its owner."""
    named = st.sampled_from([*((name,) for name in TEXT_FIELDS[entity]), *PATHS[entity]])
    words = st.none() | texts | st.sampled_from(("Fresh", "RITA REP", "RÄNK rep", "m"))
    common = [
        st.builds(Compare, named, signs, words),
        st.builds(Like, named, pieces.map(tuple)),
        st.builds(Among, named, st.lists(words, min_size=1).map(tuple), st.booleans()),
        compares(("CreatedDate",), signs, instants),
        compares(("OwnerId",), equality, st.sampled_from((None, USERS[0], QUEUE))),
    ]
    own = {
        "Lead": [
            compares(("NumberOfEmployees",), signs, st.none() | st.integers(-2, 5)),
            compares(("AnnualRevenue",), signs, st.none() | amounts),
            compares(("IsConverted",), equality, st.booleans()),
            compares(("LeadSource",), signs, st.none() | st.sampled_from(SOURCES)),
            st.builds(
                Among,
                st.just(("NumberOfEmployees",)),
                st.lists(st.none() | st.integers(-2, 5), min_size=1).map(tuple),
                st.booleans(),
            ),
        ],
        "Task": [
            compares(("IsClosed",), equality, st.booleans()),
            compares(("Status",), equality, st.sampled_from(STATUSES)),
        ],
    }
    return st.one_of(*common, *own[entity])


def combined(atoms):
    """Return conditions made of conditions by AND, OR and NOT."""
    return st.recursive(
        atoms,
        lambda inner: st.one_of(
            st.builds(
                Joined,
                st.sampled_from(("AND", "OR")),
                st.lists(inner, min_size=2, max_size=3).map(tuple),
            ),
            st.builds(Opposite, inner),
        ),
        max_leaves=5,
    )


def sorts(keys):
    """Return up to two sort keys."""
    return st.lists(st.builds(Sort, st.sampled_from(keys), st.booleans(), st.booleans()),
                    max_size=2, unique_by=lambda sort: sort.key)  # fmt: skip


def by_id(keys):
    """Return sort keys that leave nothing to chance."""
    return sorts(keys).map(lambda some: (*some, Sort(("Id",))))


LEAD_KEYS = (
    ("LastName",), ("FirstName",), ("LeadSource",), ("NumberOfEmployees",), ("AnnualRevenue",),
    ("CreatedDate",), ("IsConverted",), ("Owner", "Name"),
)  # fmt: skip
few = st.none() | st.integers(0, 5)
lead_where = st.none() | combined(leaves("Lead"))
task_where = st.none() | combined(leaves("Task"))
lead_queries = st.builds(
    Select,
    st.just("Lead"),
    st.just((("Id",), ("FirstName",), ("AnnualRevenue",), ("Owner", "Name"))),
    where=lead_where,
    order=by_id(LEAD_KEYS),
    limit=few,
    offset=few,
)
named_alike = st.builds(Like, st.just(("Name",)), pieces.map(tuple))
of_contacts = st.builds(Compare, st.just(("LastName",)), signs, texts)
INSIDE = {
    "Task": [
        (("WhoId",), "Lead", ("Id",), lead_where),
        (("OwnerId",), "Lead", ("OwnerId",), lead_where),
        (("OwnerId",), "User", ("Id",), named_alike),
    ],
    "Lead": [
        (("OwnerId",), "User", ("Id",), named_alike),
        (("OwnerId",), "Account", ("OwnerId",), named_alike),
        (("OwnerId",), "Group", ("Id",), named_alike),
    ],
    "Account": [(("Id",), "Contact", ("AccountId",), of_contacts)],
    "Contact": [(("AccountId",), "Account", ("Id",), named_alike)],
}
"""What each object is joined with: left side, object inside, field selected, condition inside."""
OTHERS = {"Task": combined(leaves("Task")), "Lead": combined(leaves("Lead"))}
AGGREGATES = tuple(
    Aggregate(function, (of,))
    for function, fields in {
        "COUNT": ("Id", "FirstName"),
        "COUNT_DISTINCT": ("FirstName", "NumberOfEmployees"),
        "SUM": ("NumberOfEmployees", "AnnualRevenue"),
        "AVG": ("NumberOfEmployees", "AnnualRevenue"),
        "MIN": ("Company", "CreatedDate", "NumberOfEmployees"),
        "MAX": ("Company", "CreatedDate", "AnnualRevenue"),
    }.items()
    for of in fields
)
aggregates = st.lists(st.sampled_from(AGGREGATES), min_size=1, max_size=3, unique=True)
GROUPS = (("FirstName",), ("LeadSource",), ("IsConverted",), ("Owner", "Name"), ("Company",))
COUNTED = ("COUNT", "SUM", "AVG")


def having(chosen):
    """Return conditions on some aggregates, or none."""
    of = st.sampled_from([each for each in chosen if each.function in COUNTED])
    return st.none() | combined(st.builds(Compare, of, signs, st.none() | st.integers(-1, 4)))


@st.composite
def group_queries(draw: st.DrawFn, grouping: str) -> Select:
    """Make an aggregate query; sorted by something and then by all that is grouped.

    No field that is grouped is aggregated as well: an org refuses that.
    """
    most = {"ROLLUP": 3, "CUBE": 2}.get(grouping, 3)
    groups = draw(st.lists(st.sampled_from(GROUPS), min_size=1, max_size=most,
                           unique_by=lambda steps: steps[-1]))  # fmt: skip
    free = [each for each in AGGREGATES if each.of not in groups]
    chosen = draw(st.lists(st.sampled_from(free), min_size=1, max_size=3, unique=True))
    order = draw(sorts(chosen)) + [Sort(each) for each in groups]
    return Select(
        "Lead",
        (*groups, *chosen),
        draw(lead_where),
        tuple(groups),
        grouping,
        draw(having(free)),
        () if grouping else tuple(order),
        None if grouping else draw(few),
    )


# -- text -----------------------------------------------------------------------------------------

ESCAPED = str.maketrans({"'": r"\'", "\\": "\\\\"})
LITERAL = str.maketrans({"'": r"\'", "\\": "\\\\", "%": r"\%", "_": r"\_"})


def literal(value):
    """Print a value as SOQL writes it."""
    if isinstance(value, str):
        return f"'{value.translate(ESCAPED)}'"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    return "null" if value is None else str(value).upper()


def side(left):
    """Print a field or an aggregate."""
    if isinstance(left, Aggregate):
        return f"{left.function}({'.'.join(left.of)})"
    return ".".join(left)


def pattern(shape):
    """Print the pieces of a pattern."""
    return "".join(
        "%" if p is ANY else "_" if p is ONE else str(p).translate(LITERAL) for p in shape
    )


def condition(node):
    """Print a condition; what stands in another one stands in parentheses."""
    match node:
        case Joined(word, inner):
            return f" {word} ".join(f"({condition(each)})" for each in inner)
        case Opposite(inner):
            return f"NOT ({condition(inner)})"
        case Compare(left, sign, value):
            return f"{side(left)} {sign} {literal(value)}"
        case Like(left, shape):
            return f"{side(left)} LIKE '{pattern(shape)}'"
        case Among(left, values, negated):
            inner = soql(values) if isinstance(values, Select) else ", ".join(map(literal, values))
            return f"{side(left)} {'NOT IN' if negated else 'IN'} ({inner})"
    raise AssertionError(node)


def sorting(sort):
    """Print a sort key; what is the default is left out."""
    return (
        f"{side(sort.key)}{' DESC' if sort.descending else ''}{' NULLS LAST' if sort.last else ''}"
    )


def soql(query, source=None):
    """Print a query."""
    inner = [f"({soql(child, name)})" for name, child in query.children.items()]
    groups = ", ".join(map(side, query.groups))
    clauses = (
        ("WHERE", query.where and condition(query.where)),
        ("GROUP BY", f"{query.grouping}({groups})" if query.grouping else groups),
        ("HAVING", query.having and condition(query.having)),
        ("ORDER BY", ", ".join(map(sorting, query.order))),
        ("LIMIT", None if query.limit is None else str(query.limit)),
        ("OFFSET", None if query.offset is None else str(query.offset)),
    )
    head = f"SELECT {', '.join([*map(side, query.items), *inner])} FROM {source or query.entity}"
    return " ".join([head, *(f"{word} {text}" for word, text in clauses if text)])


RICH = rich()
