"""Tree → text: keywords in upper case, one blank between words; parsing gives the same tree."""

from __future__ import annotations

from local_org.soql.nodes import (
    Call,
    Category,
    Comparison,
    Condition,
    FieldItem,
    Includes,
    Junction,
    Kind,
    Literal,
    Membership,
    Not,
    OrderItem,
    Parens,
    Path,
    Query,
    SelectItem,
    SemiJoin,
    Source,
    Subquery,
    TypeOf,
)


def expression(node: Path | Call | Literal) -> str:
    """Print a path, a call or a literal."""
    match node:
        case Path():
            return str(node)
        case Call(name, arguments):
            return f"{name}({', '.join(expression(argument) for argument in arguments)})"
        case Literal(Kind.STRING, text):
            return f"'{text}'"
        case Literal():
            return node.text


def _values(values: tuple[Literal, ...]) -> str:
    return f"({', '.join(expression(value) for value in values)})"


def condition(node: Condition) -> str:
    """Print a condition with the parentheses it was written with."""
    match node:
        case Junction(operator, conditions):
            return f" {operator} ".join(condition(each) for each in conditions)
        case Not(inner):
            return f"NOT {condition(inner)}"
        case Parens(inner):
            return f"({condition(inner)})"
        case Comparison(left, operator, value):
            return f"{expression(left)} {operator} {expression(value)}"
        case Membership(left, negated, values):
            return f"{expression(left)} {'NOT IN' if negated else 'IN'} {_values(values)}"
        case SemiJoin(left, negated, query):
            return f"{expression(left)} {'NOT IN' if negated else 'IN'} ({to_soql(query)})"
        case Includes(left, negated, values):
            return f"{expression(left)} {'EXCLUDES' if negated else 'INCLUDES'} {_values(values)}"


def _paths(paths: tuple[Path, ...]) -> str:
    return ", ".join(str(path) for path in paths)


def _item(item: SelectItem) -> str:
    match item:
        case FieldItem(shown, alias):
            return expression(shown) + (f" {alias}" if alias else "")
        case Subquery(query):
            return f"({to_soql(query)})"
        case TypeOf(path, branches, otherwise):
            parts = [f"TYPEOF {path}"]
            parts += [f"WHEN {branch.entity} THEN {_paths(branch.fields)}" for branch in branches]
            if otherwise is not None:
                parts.append(f"ELSE {_paths(otherwise)}")
            return " ".join([*parts, "END"])


def _source(source: Source) -> str:
    return str(source.path) + (f" {source.alias}" if source.alias else "")


def _category(category: Category) -> str:
    names = category.names
    shown = names[0] if len(names) == 1 else f"({', '.join(names)})"
    return f"{category.group} {category.selector} {shown}"


def _order(item: OrderItem) -> str:
    words = [expression(item.expression), item.direction]
    words.append(f"NULLS {item.nulls}" if item.nulls else None)
    return " ".join(word for word in words if word)


def _tail(query: Query) -> list[str]:
    parts = []
    if query.order_by:
        parts.append("ORDER BY " + ", ".join(_order(item) for item in query.order_by))
    if query.limit is not None:
        parts.append(f"LIMIT {query.limit}")
    if query.offset is not None:
        parts.append(f"OFFSET {query.offset}")
    parts += [f"FOR {purpose}" for purpose in query.purposes]
    if query.all_rows:
        parts.append("ALL ROWS")
    if query.updates:
        parts.append("UPDATE " + ", ".join(query.updates))
    return parts


def to_soql(query: Query) -> str:
    """Print a whole query."""
    parts = [
        "SELECT " + ", ".join(_item(item) for item in query.select),
        "FROM " + ", ".join(_source(source) for source in query.sources),
    ]
    if query.scope:
        parts.append(f"USING SCOPE {query.scope}")
    if query.where:
        parts.append(f"WHERE {condition(query.where)}")
    if query.categories:
        shown = " AND ".join(_category(category) for category in query.categories)
        parts.append(f"WITH DATA CATEGORY {shown}")
    parts += [f"WITH {mode}" for mode in query.modes]
    if query.group_by:
        parts.append("GROUP BY " + ", ".join(expression(each) for each in query.group_by))
    if query.having:
        parts.append(f"HAVING {condition(query.having)}")
    return " ".join(parts + _tail(query))
