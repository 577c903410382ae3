"""WHERE and HAVING → SQL. Logic is two-valued, as in SOQL: null is unlike everything else."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from local_org.records.sharing import REACHED
from local_org.schema.model import TEXT_TYPES, FieldType, SObject
from local_org.soql.literals import Between, like_pattern, text_of
from local_org.soql.nodes import (
    Call,
    Comparison,
    Condition,
    Expression,
    FieldItem,
    Includes,
    Junction,
    Kind,
    Membership,
    Not,
    Parens,
    Path,
    Query,
    SemiJoin,
)
from local_org.soql.scope import Scope, Statement, Term
from local_org.soql.terms import Terms

_IDS = (FieldType.ID, FieldType.REFERENCE)
_WIDE = ("everything", "all")
_MOST_JOINED = 200


class Sql(NamedTuple):
    """A piece of SQL and its parameters, in order."""

    text: str
    params: tuple[Any, ...] = ()


TRUE, FALSE = Sql("1"), Sql("0")


def join(operator: str, pieces: Iterable[Sql]) -> Sql:
    """Join pieces by AND, OR or a comma."""
    kept = list(pieces)
    return Sql(operator.join(p.text for p in kept), tuple(x for p in kept for x in p.params))


def _balanced(operator: str, pieces: list[Sql]) -> Sql:
    """Join many pieces as a tree that is no deeper than SQLite allows."""
    if len(pieces) <= _MOST_JOINED:
        return join(operator, pieces)
    middle = len(pieces) // 2
    halves = (_balanced(operator, half) for half in (pieces[:middle], pieces[middle:]))
    return join(operator, (Sql(f"({half.text})", half.params) for half in halves))


def _not(inner: Sql) -> Sql:
    return Sql(f"NOT coalesce(({inner.text}), 0)", inner.params)


class Conditions:
    """Compiles the conditions of one query; ``resolve`` makes terms of expressions."""

    def __init__(self, scope: Scope, resolve: Callable[[Expression], Term]) -> None:
        self.scope = scope
        self.statement = scope.statement
        self._resolve = resolve

    def sql(self, condition: Condition) -> Sql:
        """Return SQL that is true for the rows the condition selects; it may be NULL for others."""
        match condition:
            case Junction(operator, conditions):
                return _balanced(f" {operator} ", [self._grouped(c) for c in conditions])
            case Parens(inner):
                return self.sql(inner)
            case Not(inner):
                return _not(self.sql(inner))
            case Comparison():
                return self._comparison(condition)
            case Membership():
                return self._membership(condition)
            case SemiJoin():
                return self._semi_join(condition)
            case Includes():
                return self._includes(condition)

    def _grouped(self, condition: Condition) -> Sql:
        inner = self.sql(condition)
        return Sql(f"({inner.text})", inner.params)

    def _comparison(self, node: Comparison) -> Sql:
        term = self._resolve(node.left)
        if node.operator == "LIKE":
            return self._like(node, term)
        value = self.statement.encoder.encode(node.value, term.type, term.name)
        if node.operator == "=":
            return _equal(term, value)
        if node.operator == "!=":
            return _unlike(term, value)
        if term.type is FieldType.BOOLEAN:
            raise self._invalid_operator(term, node.left)
        if isinstance(value, Between):
            value = value.end if node.operator in (">", "<=") else value.start
            operator = {">": ">=", "<=": "<"}.get(node.operator, node.operator)
            return Sql(f"{term.compared} {operator} ?", (*term.params, value))
        if value is None:
            return FALSE
        return Sql(f"{term.compared} {node.operator} ?", (*term.params, value))

    def _invalid_operator(self, term: Term, at: Expression) -> Exception:
        return self.statement.faults.at(
            "INVALID_FIELD", f"invalid operator on {term.type.lower()} field", at.at
        )

    def _like(self, node: Comparison, term: Term) -> Sql:
        if term.type not in TEXT_TYPES:
            raise self._invalid_operator(term, node.left)
        if node.value.kind is Kind.NULL:
            return _equal(term, None)
        self.statement.encoder.encode(node.value, term.type, term.name)
        pattern = like_pattern(node.value, self.statement.faults)
        return Sql(f"{term.sql} LIKE ? ESCAPE '\\'", (*term.params, pattern))

    def _membership(self, node: Membership) -> Sql:
        term = self._resolve(node.left)
        encode = self.statement.encoder.encode
        values = [encode(value, term.type, term.name) for value in node.values]
        plain = [v for v in values if v is not None and not isinstance(v, Between)]
        pieces = [_equal(term, v) for v in values if v is None or isinstance(v, Between)]
        if plain:
            marks = ", ".join("?" * len(plain))
            pieces.append(Sql(f"{term.compared} IN ({marks})", (*term.params, *plain)))
        found = join(" OR ", pieces)
        return _not(found) if node.negated else found

    def _includes(self, node: Includes) -> Sql:
        term = self._resolve(node.left)
        if term.type is not FieldType.MULTIPICKLIST:
            raise self._invalid_operator(term, node.left)
        found = join(" OR ", (self._all_of(term, v) for v in node.values))
        return _not(found) if node.negated else found

    def _all_of(self, term: Term, value: Any) -> Sql:
        """``'A;B'`` of INCLUDES: both are selected."""
        text = text_of(value, self.statement.faults)
        piece = f"instr(';' || lower({term.sql}) || ';', lower(?)) > 0"
        wanted = (Sql(piece, (*term.params, f";{name};")) for name in text.split(";"))
        inner = join(" AND ", wanted)
        return Sql(f"({inner.text})", inner.params)

    def _semi_join(self, node: SemiJoin) -> Sql:
        left = self._resolve(node.left)
        path = self._semi_join_field(node.query)
        inner = open_scope(self.statement, node.query)
        selected = inner.column(path)
        if not _targets(left) & _targets(selected):
            raise self.statement.faults.malformed(
                f"The selected field '{path}' in the subquery and the left operand field in the "
                f"where expression in the outer query '{_shown(node.left)}' should point to the "
                "same object type",
                path.at,
            )
        where = filters(inner, node.query)
        sql = f"SELECT {selected.sql} FROM {inner.from_sql()} WHERE {where.text}"
        params = (*left.params, *where.params)
        found = Sql(f"{left.sql} IN ({sql} AND {selected.sql} IS NOT NULL)", params)
        return _not(found) if node.negated else found

    def _semi_join_field(self, query: Query) -> Path:
        """Return the one field a semi-join selects; it can not be grouped, ordered or limited."""
        faults = self.statement.faults
        match query.select:
            case (FieldItem(Path() as path, None),) if not query.group_by:
                if query.order_by or query.limit is not None or query.offset is not None:
                    raise faults.unsupported("ORDER BY, LIMIT or OFFSET in a semi-join", path.at)
                return path
            case _:
                message = "a semi-join must select exactly one field"
                raise faults.malformed(message, query.sources[0].path.at)


def _shown(expression: Expression) -> str:
    return expression.name if isinstance(expression, Call) else str(expression)


def _targets(term: Term) -> frozenset[str]:
    """Return the objects an id or reference points at; none for other fields."""
    if term.field is None or term.type not in _IDS:
        return frozenset()
    return frozenset(term.field.reference_to) or frozenset({term.entity})


def _equal(term: Term, value: Any) -> Sql:
    if value is None:
        return Sql(f"{term.sql} IS NULL", term.params)
    if isinstance(value, Between):
        sql = f"({term.compared} >= ? AND {term.compared} < ?)"
        return Sql(sql, (*term.params, value.start, *term.params, value.end))
    return Sql(f"{term.compared} = ?", (*term.params, value))


def _unlike(term: Term, value: Any) -> Sql:
    if value is None:
        return Sql(f"{term.sql} IS NOT NULL", term.params)
    if isinstance(value, Between):
        return _not(_equal(term, value))
    return Sql(f"{term.compared} IS NOT ?", (*term.params, value))


def open_scope(statement: Statement, query: Query) -> Scope:
    """Return the scope of a query that selects from an object of the schema.

    :raises OrgError: ``INVALID_TYPE``: no such object.
    """
    first, *others = query.sources
    if len(first.path.parts) > 1:
        raise statement.faults.no_such_type(str(first.path), first.path.at)
    entity = statement.object(first.path.parts[0], first.path.at)
    return enter(statement, entity, (entity.name, first.alias), others)


def enter(
    statement: Statement, entity: SObject, names: Iterable[str | None], others: Iterable[Any]
) -> Scope:
    """Return a scope with further FROM items (``Contact c, c.Account a``) as names of parents."""
    scope = Scope(statement, entity, frozenset(name.lower() for name in names if name))
    for source in others:
        whole = Path((*source.path.parts, ""), source.path.at)
        scope.named[(source.alias or source.path.parts[-1]).lower()] = scope.steps(whole)[-1]
    return scope


def filters(scope: Scope, query: Query) -> Sql:
    """Return WHERE: rows not deleted, shared, in the scope asked for, that meet the condition."""
    pieces = [_present(scope, query), _shared(scope), _owned(scope, query)]
    if query.where is not None:
        terms = Terms(scope)
        inner = Conditions(scope, terms.filterable).sql(query.where)
        pieces.append(Sql(f"({inner.text})", inner.params))
    kept = [piece for piece in pieces if piece is not TRUE]
    return join(" AND ", kept) if kept else TRUE


def _present(scope: Scope, query: Query) -> Sql:
    deleted = scope.entity.get("IsDeleted")
    if scope.statement.all_rows or query.all_rows or deleted is None or not deleted.stored:
        return TRUE
    return Sql(f'{scope.alias}."IsDeleted" = 0')


def _shared(scope: Scope) -> Sql:
    """Return which rows the user may see, where that is not all of them."""
    statement = scope.statement
    if statement.access.reads_every(scope.entity.name):
        return TRUE
    user_id = statement.access.user_id
    return Sql(f'{scope.alias}."OwnerId" IN ({REACHED})', (user_id, user_id))


def _owned(scope: Scope, query: Query) -> Sql:
    """Return USING SCOPE: everything, mine, and for owned objects queue_owned and user_owned."""
    name = (query.scope or "everything").lower()
    if name in _WIDE:
        return TRUE
    owner = scope.entity.get("OwnerId")
    patterns = {"queue_owned": "00G", "user_owned": "005"}
    if owner is None or name not in ("mine", *patterns):
        place = query.sources[0].path.at
        raise scope.statement.faults.unsupported(f"USING SCOPE {query.scope}", place)
    sql = f'{scope.alias}."OwnerId"'
    if name == "mine":
        return Sql(f"{sql} = ?", (scope.statement.user["Id"],))
    return Sql(f"substr({sql}, 1, 3) = ?", (patterns[name],))
