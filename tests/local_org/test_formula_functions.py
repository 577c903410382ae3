"""Every function that our metadata uses gives what the platform's documents say it gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from local_org.schema.formula import FormulaError, FormulaFailure, FormulaType, compile_formula

pytestmark = pytest.mark.documented("Salesforce Help: Formula Operators and Functions")

CREATED = datetime(2026, 11, 2, 9, tzinfo=UTC)
ANSWERED = datetime(2026, 11, 2, 9, 7, 30, tzinfo=UTC)
EARLIER = datetime(2026, 11, 2, 9, 5, tzinfo=UTC)
TYPES = {
    "created": FormulaType.DATETIME,
    "clock": FormulaType.DATETIME,
    "at": FormulaType.DATETIME,
    "due": FormulaType.DATE,
    "status": FormulaType.PICKLIST,
    "colours": FormulaType.MULTIPICKLIST,
    "user": FormulaType.TEXT,
    "name": FormulaType.TEXT,
    "size": FormulaType.NUMBER,
    "share": FormulaType.PERCENT,
    "done": FormulaType.BOOLEAN,
    "$permission.override": FormulaType.BOOLEAN,
    "owner:user.name": FormulaType.TEXT,
}
ELAPSED = "(At - BLANKVALUE(Clock, Created))"
TIME_TO_FIRST_RESPONSE = (
    f"IF(ISBLANK(At), NULL, IF({ELAPSED} * 86400 < -60.5, NULL, MAX(0, {ELAPSED} * 1440)))"
)
ONLY_EARLIER = (
    "AND(NOT(ISNEW()), ISCHANGED(At), NOT(ISBLANK(PRIORVALUE(At))), "
    "OR(ISBLANK(At), At > PRIORVALUE(At)), NOT($Permission.Override))"
)
WHOLE = (
    'OR(AND(NOT(ISBLANK(At)), ISPICKVAL(Status, "")), '
    'AND(ISBLANK(At), NOT(ISPICKVAL(Status, ""))), AND(ISBLANK(At), NOT(ISBLANK(User))))'
)


@dataclass
class Record:
    """A record in the act of being written: its values, and those before where they differ."""

    values: dict[str, Any] = field(default_factory=dict)
    before: dict[str, Any] = field(default_factory=dict)
    is_new: bool = False
    blanks_as_zero: bool = False
    now: datetime = datetime(2026, 11, 2, 23, 30, 1, 500000, tzinfo=UTC)

    def value(self, path):
        """Return the value as it will be."""
        return self.values.get(".".join(path).lower())

    def prior(self, path):
        """Return the value as it was."""
        return self.before.get(path[0].lower(), self.value(path))

    def changed(self, path):
        """Tell whether the write changes it."""
        return self.value(path) != self.prior(path)


def kind_of(path):
    name = ".".join(path).lower()
    if name not in TYPES:
        raise FormulaError(f"Field {'.'.join(path)} does not exist. Check spelling.")
    return TYPES[name]


def result(text, *, before=None, is_new=False, blanks_as_zero=False, **values):
    record = Record(values, before or {}, is_new, blanks_as_zero)
    return compile_formula(text, resolve=kind_of).evaluate(record)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2 * 3 - 4 / 2", 5),
        ("2 ^ 3 ^ 2", 64),
        ("2 * 3 ^ 2", 36),
        ("-2 ^ 2", 4),
        ("0.1 + 0.2", Decimal("0.3")),
        ("MAX(0, -5, 3)", 3),
        ("MIN(0, -5, 3)", -5),
        ("ABS(-2.5)", Decimal("2.5")),
        ("ROUND(2.5, 0)", 3),
        ("ROUND(-2.5, 0)", -3),
        ("ROUND(1234, -2)", 1200),
        ("FLOOR(-1.5)", -1),
        ("CEILING(-1.5)", -2),
        ("MOD(7, 3)", 1),
        ("MOD(-7, 3)", -1),
        ('VALUE("12.5")', Decimal("12.5")),
        ('LEN("abc")', 3),
        ('FIND("b", "abc")', 2),
        ('FIND("x", "abc")', 0),
        ("YEAR(DATE(2026, 11, 2))", 2026),
        ("MONTH(DATE(2026, 11, 2))", 11),
        ("DAY(DATE(2026, 11, 2))", 2),
        ("WEEKDAY(DATE(2026, 11, 2))", 2),
        ('HOUR(TIMEVALUE("17:30:00.000"))', 17),
        ("DATE(2026, 11, 2) - DATE(2026, 10, 31)", 2),
    ],
)
def test_numbers_are_exact_decimals(text, expected):
    assert result(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"a" & "b" & NULL', "ab"),
        ('"a" + "b"', "ab"),
        ('LEFT("lead", 2)', "le"),
        ('RIGHT("lead", 2)', "ad"),
        ('MID("lead", 2, 2)', "ea"),
        ('UPPER("Lead") & LOWER("Lead")', "LEADlead"),
        ('TRIM("  a  ")', "a"),
        ('SUBSTITUTE("a-b-c", "-", "+")', "a+b+c"),
        ("TEXT(1.50)", "1.5"),
        ("TEXT(DATE(2026, 11, 2))", "2026-11-02"),
        ("TEXT(Created)", "2026-11-02 09:00:00Z"),
        ("TEXT(Status)", "Open"),
        ('CASE(Status, "Open", "o", "Closed", "c", "?")', "o"),
        ('CASE(Size, 1, "one", 2, "two", "many")', "two"),
        ('HYPERLINK("/x", "y")', '<a href="/x" target="_blank">y</a>'),
        ('IF(Done, "yes", "no")', "no"),
        ("Owner:User.Name", "Rita"),
        ("'single' & \"double\"", "singledouble"),
        (r'"a \"quoted\" \\ b"', r'a "quoted" \ b'),
    ],
)
def test_texts_are_joined_cut_and_told(text, expected):
    values = {"status": "Open", "size": 2, "created": CREATED, "owner:user.name": "Rita"}
    assert result(text, **values) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ISBLANK(Name)", True),
        ('ISBLANK("")', True),
        ("ISBLANK(At)", True),
        ("ISBLANK(Size)", True),
        ("ISBLANK(Created)", False),
        ("ISNULL(Name)", False),
        ("ISNULL(At)", True),
        ("NOT(Done)", True),
        ("AND(TRUE, NOT(FALSE))", True),
        ("OR(FALSE, Done)", False),
        ("TRUE && !FALSE || FALSE", True),
        ('ISPICKVAL(Status, "Open")', True),
        ('ISPICKVAL(Status, "open")', False),
        ('INCLUDES(Colours, "red")', True),
        ('INCLUDES(Colours, "re")', False),
        ('CONTAINS("abc", "b")', True),
        ('BEGINS("abc", "b")', False),
        ('REGEX("12345", "[0-9]{5}")', True),
        ("Created > At", False),
        ("Size < 5", False),
        ("Size <> 5", False),
        ('Name = ""', True),
        ("1 <> 2", True),
        ("1 != 1", False),
        ("1 == 1.0", True),
        ("$Permission.Override", False),
    ],
)
def test_conditions_are_true_or_false_and_blank_is_never_less_or_more(text, expected):
    values = {"status": "Open", "colours": "green;red", "created": CREATED}
    assert result(text, **values) is expected


def test_a_blank_number_is_zero_only_where_the_formula_says_so():
    assert result("Size + 1") is None
    assert result("Size + 1", blanks_as_zero=True) == 1
    assert result("ISBLANK(Size)", blanks_as_zero=True) is False


def test_a_percent_counts_as_a_hundredth():
    assert result("Share * 2", share=Decimal(30)) == Decimal("0.6")


def test_blankvalue_takes_the_second_where_the_first_is_blank():
    assert result("BLANKVALUE(Clock, Created)", created=CREATED) == CREATED
    assert result("BLANKVALUE(Clock, Created)", created=CREATED, clock=EARLIER) == EARLIER
    assert result('NULLVALUE(Name, "none")') is None
    assert result("NULLVALUE(Size, 7)") == 7


def test_the_difference_of_two_instants_is_days():
    minutes = result("(At - Created) * 1440", at=ANSWERED, created=CREATED)
    assert minutes.quantize(Decimal("0.0000001")) == Decimal("7.5")
    assert result("(At - Created) * 1440", created=CREATED) is None


def test_a_number_moves_an_instant_by_days_to_the_second():
    assert result("Created + 5/1440", created=CREATED) == EARLIER
    assert result("Due + 1.9", due=date(2026, 11, 2)) == date(2026, 11, 3)
    assert result("ADDMONTHS(Due, 1)", due=date(2026, 1, 31)) == date(2026, 2, 28)


def test_now_is_a_whole_second_and_today_a_day_of_the_orgs_clock():
    assert result("NOW()") == datetime(2026, 11, 2, 23, 30, 1, tzinfo=UTC)
    assert result("TODAY()") == date(2026, 11, 2)
    assert result("DATEVALUE(Created)", created=CREATED) == date(2026, 11, 2)
    assert result('DATETIMEVALUE("2026-11-02 09:00:00")') == CREATED


def test_ischanged_and_priorvalue_look_at_the_record_before_the_write():
    assert result("ISCHANGED(Size)", size=2, before={"size": 1}) is True
    assert result("ISCHANGED(Size)", size=1, before={"size": 1}) is False
    assert result("PRIORVALUE(Size)", size=2, before={"size": 1}) == 1
    assert result('ISPICKVAL(PRIORVALUE(Status), "A")', status="B", before={"status": "A"}) is True


def test_on_a_new_record_nothing_is_changed_and_the_prior_value_is_the_one_now():
    assert result("ISNEW()", is_new=True) is True
    assert result("ISCHANGED(Size)", size=2, before={"size": None}, is_new=True) is False
    assert result("PRIORVALUE(Size)", size=2, is_new=True) == 2


def test_names_and_functions_are_found_in_any_case():
    assert result("mAx(SIZE, siZe)", size=4) == 4


def test_only_the_branch_that_is_taken_is_evaluated():
    assert result("IF(TRUE, 1, 1 / 0)") == 1
    assert result("CASE(1, 1, 2, 3, 1 / 0, 4)") == 2
    assert result("AND(FALSE, 1 / 0 > 1)") is False
    assert result("OR(TRUE, 1 / 0 > 1)") is True


@pytest.mark.parametrize(
    "text", ["1 / 0", 'VALUE("x")', "DATE(2026, 13, 1)", "SQRT(-1)", 'DATEVALUE("soon")', "9 ^ 500"]
)
def test_what_has_no_value_fails_for_the_record_and_not_for_the_formula(text):
    with pytest.raises(FormulaFailure):
        result(text)


@pytest.mark.parametrize(
    ("before", "after", "is_new", "refused"),
    [
        (None, ANSWERED, True, False),
        (None, ANSWERED, False, False),
        (ANSWERED, ANSWERED, False, False),
        (ANSWERED, EARLIER, False, False),
        (EARLIER, ANSWERED, False, True),
        (EARLIER, None, False, True),
    ],
)
@pytest.mark.parametrize("override", [False, True])
def test_a_first_response_only_moves_earlier_unless_overridden(
    before, after, is_new, refused, override
):
    values = {"at": after, "$permission.override": override}
    verdict = result(ONLY_EARLIER, before={"at": before}, is_new=is_new, **values)
    assert verdict is (refused and not override)


@pytest.mark.parametrize(
    ("values", "refused"),
    [
        ({}, False),
        ({"at": ANSWERED, "status": "Call"}, False),
        ({"at": ANSWERED, "status": "Call", "user": "005"}, False),
        ({"at": ANSWERED}, True),
        ({"status": "Call"}, True),
        ({"user": "005"}, True),
    ],
)
def test_a_first_response_is_whole(values, refused):
    assert result(WHOLE, **values) is refused


@pytest.mark.parametrize(
    ("values", "minutes"),
    [
        ({"at": ANSWERED}, "7.50"),
        ({"at": ANSWERED, "clock": EARLIER}, "2.50"),
        ({"at": EARLIER, "clock": ANSWERED}, None),
        ({"at": ANSWERED, "clock": ANSWERED.replace(minute=8, second=30)}, "0.00"),
        ({}, None),
    ],
)
def test_the_time_to_first_response_is_minutes_and_never_negative(values, minutes):
    value = result(TIME_TO_FIRST_RESPONSE, created=CREATED, **values)
    shown = None if value is None else str(value.quantize(Decimal("0.01")))
    assert shown == minutes


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Syntax error. Found ''"),
        ("IF(TRUE, 1", "Syntax error. Missing ')'"),
        ("1 + ", "Syntax error. Found ''"),
        ("1 + 2)", "Syntax error. Extra ')'"),
        ("1 # 2", "Syntax error. Found '#'"),
        ("Nope__c + 1", "Field Nope__c does not exist. Check spelling."),
        ("NOPE(1)", "Unknown function NOPE. Check spelling."),
        (
            "IF(TRUE, 1)",
            "Incorrect number of parameters for function 'IF()'. Expected 3, received 2",
        ),
        (
            "ABS(TRUE)",
            "Incorrect parameter type for function 'ABS()'. Expected Number, received Boolean",
        ),
        (
            'At > "x"',
            "Incorrect parameter type for operator '>'. Expected DateTime, received Text",
        ),
        (
            'Status = "Open"',
            (
                "Field Status is a picklist field. Picklist fields are only supported in certain "
                "functions."
            ),
        ),
        (
            "ISCHANGED(1 + 2)",
            "Incorrect parameter type for function 'ISCHANGED()'. Expected Field, received Number",
        ),
    ],
)
def test_a_formula_that_cannot_be_saved_is_refused_in_the_platforms_words(text, message):
    with pytest.raises(FormulaError) as refused:
        compile_formula(text, resolve=kind_of)
    assert refused.value.message == message


@pytest.mark.inferred(
    "the limit is documented in bytes, the text is ours; "
    "settled by: deploying a formula field with such a formula"
)
@pytest.mark.parametrize(
    "text", ["(" * 1900 + "1" + ")" * 1900, "1" + "+1" * 1900, "-" * 3800 + "1"]
)
def test_a_formula_nested_beyond_reason_is_too_complex(text):
    with pytest.raises(FormulaError, match="too complex"):
        compile_formula(text, resolve=kind_of)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ROUND(SIN(PI() / 2) + COS(0) + TAN(0), 9)", "2"),
        ("ROUND(ASIN(1) + ACOS(0) - PI(), 9)", "0"),
        ("ROUND(4 * ATAN(1) - 4 * ATAN2(1, 1), 9)", "0"),
        ("PICKLISTCOUNT(Colours)", "2"),
        ("CASE(PICKLISTCOUNT(Colours), 2, 1, 0)", "1"),
    ],
)
def test_angles_and_selected_values_are_counted(text, expected):
    """Trigonometric functions work in radians; a multi-select picklist tells how many it holds."""
    assert result(text, colours="green;red") == Decimal(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FORMATDURATION(3725)", "01:02:05"),
        ("FORMATDURATION(90061, TRUE)", "1:01:01:01"),
        ('INITCAP("hello_world AGAIN")', "Hello_World Again"),
        ('UPPER("idle", "tr_TR")', "İDLE"),
        ("CHR(-1)", None),
    ],
)
def test_texts_are_formatted_as_the_engine_formats_them(text, expected):
    """Durations, capitals and the letters of Turkish follow the platform's engine."""
    assert result(text) == expected


@pytest.mark.inferred(
    "by a project that asked the platform's own engine; "
    "settled by: a formula field with these texts"
)
@pytest.mark.parametrize(
    ("text", "length"),
    [(r'"a\\b"', 3), (r'"a\"b"', 3), (r'"a\nb"', 4), (r"'a\'b'", 4), (r'"\\"', 1)],
)
def test_a_backslash_escapes_itself_and_double_quotes_and_else_stays(text, length):
    """A text has no escape for a new line: the backslash and the letter are two characters."""
    assert result(f"LEN({text})") == length


def test_a_backslash_before_any_other_letter_is_a_syntax_error():
    """A regular expression writes its backslashes twice."""
    with pytest.raises(FormulaError) as refused:
        compile_formula(r'REGEX(Name, "\d{5}")', resolve=kind_of)
    assert (refused.value.message, refused.value.position) == (r"Syntax error. Found '\d'", 13)
    assert result(r'REGEX("12345", "\\d{5}")') is True


@pytest.mark.parametrize("text", ["ACOS(2)", "ASIN(-2)"])
def test_angles_that_are_none_fail_for_the_record(text):
    """No angle has such a sine or cosine."""
    with pytest.raises(FormulaFailure):
        result(text)


@pytest.mark.inferred(
    "by a project's probes of a real org; settled by: deploying a formula that is longer"
)
def test_a_formula_is_at_most_3900_characters_long():
    """The text of a formula is limited before it is read."""
    text = "1" + " " * 3900
    with pytest.raises(FormulaError) as refused:
        compile_formula(text, resolve=kind_of)
    assert refused.value.message == (
        "Formula is too long (3,901 characters).  Maximum length is 3,900 characters"
    )


def test_a_formula_tells_which_fields_it_reads():
    formula = compile_formula('Owner:User.Name & TEXT(Size) & "x"', resolve=kind_of)
    assert formula.references == {("Owner:User", "Name"), ("Size",)}
    assert formula.type is FormulaType.TEXT


@pytest.mark.documented("Apex Developer Guide, Pattern: Regex too complicated")
def test_a_pattern_that_backtracks_without_end_is_too_complicated():
    wanted = f'REGEX("{"a" * 60}b", "(a|aa)+")'
    for _ in range(7):  # it is not even tried any more in the end
        with pytest.raises(FormulaFailure, match="Regex too complicated"):
            result(wanted)
