"""A query answers with the right rows in the shape of REST."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from local_org.errors import OrgError
from tests.local_org.soql_world import (
    ACME,
    ADA,
    BOB,
    CAROL,
    CYD,
    DAN,
    EVE,
    QUEUE,
    REP1,
    REP2,
    plain,
)
from tests.local_org.soql_world import ask as ask  # noqa: PLC0414 - a fixture
from tests.local_org.soql_world import ids as ids  # noqa: PLC0414 - a fixture
from tests.local_org.soql_world import org as org  # noqa: PLC0414 - a fixture

pytestmark = pytest.mark.documented("SOQL and SOSL Reference")


@pytest.mark.recorded("CumulusCI: query of Account by a real org")
def test_a_record_leads_with_its_type_and_url_and_spells_fields_as_the_schema_does(ask):
    result = ask("select ID, lastNAME, createddate, isconverted from LEAD where id = '" + ADA + "'")
    assert result.entity == "Lead"
    assert result.total == 1
    assert result.records == [
        {
            "attributes": {"type": "Lead", "url": f"/services/data/v66.0/sobjects/Lead/{ADA}"},
            "Id": ADA,
            "LastName": "Byron",
            "CreatedDate": "2026-11-04T14:00:00.000+0000",
            "IsConverted": False,
        }
    ]
    assert list(result.records[0]) == ["attributes", "Id", "LastName", "CreatedDate", "IsConverted"]


def test_fields_may_be_qualified_by_the_object_or_its_alias(ask):
    for soql in (
        "SELECT Lead.LastName FROM Lead WHERE Lead.Id = '{}'",
        "SELECT l.LastName FROM Lead l WHERE l.Id = '{}'",
        "SELECT l.LastName FROM Lead AS l WHERE l.Id = '{}'",
    ):
        assert plain(ask(soql.format(ADA))) == [{"LastName": "Byron"}]


def test_an_id_of_fifteen_characters_finds_the_record(ids):
    assert ids(f"Id = '{ADA[:15]}'") == [ADA]
    assert ids(f"OwnerId IN ('{REP2[:15]}')") == [CYD]


def test_a_parent_is_nested_and_null_when_there_is_none(ask):
    result = ask("SELECT LastName, ConvertedAccount.Name, ConvertedAccount.Owner.Name FROM Lead "
                 "WHERE LastName IN ('Zed', 'Byron') ORDER BY LastName")  # fmt: skip
    assert plain(result)[0] == {"LastName": "Byron", "ConvertedAccount": None}
    account = result.records[1]["ConvertedAccount"]
    assert account["attributes"]["url"].endswith(f"/Account/{ACME}")
    assert account["Name"] == "Acme"
    assert account["Owner"]["Name"] == "Rita Rep"


@pytest.mark.recorded("CumulusCI: ApexClassOrTrigger.Name of ApexCodeCoverageAggregate")
def test_a_polymorphic_parent_shows_type_name_and_the_url_of_its_object(ask):
    result = ask("SELECT Owner.Name, Owner.Type FROM Lead WHERE LastName IN ('Byron','dent') "
                 "ORDER BY LastName")  # fmt: skip
    rita, queue = (record["Owner"] for record in result.records)
    url = "/services/data/v66.0/sobjects"
    assert rita["attributes"] == {"type": "Name", "url": f"{url}/User/{REP1}"}
    assert (rita["Name"], rita["Type"]) == ("Rita Rep", "User")
    assert queue["attributes"] == {"type": "Name", "url": f"{url}/Group/{QUEUE}"}
    assert (queue["Name"], queue["Type"]) == ("Fresh Leads", "Queue")


def test_polymorphic_parents_can_be_filtered_and_sorted_and_followed(ask):
    task = "SELECT Subject FROM Task WHERE "
    assert plain(ask(task + "Who.Type = 'Contact'")) == [{"Subject": "Meeting"}]
    assert plain(ask(task + "Who.Name LIKE 'ada%' ORDER BY Subject")) == [
        {"Subject": "Call"},
        {"Subject": "Mail"},
    ]
    assert plain(ask(task + "Owner.Profile.Name = 'standard user' AND Subject = 'Loose'")) == [
        {"Subject": "Loose"}
    ]
    ordered = ask("SELECT Id FROM Lead WHERE OwnerId != null ORDER BY Owner.Name, LastName")
    assert [r["Id"] for r in ordered.records][:2] == [DAN, EVE]


def test_typeof_shows_the_fields_of_each_branch(ask):
    result = ask(
        "SELECT Subject, TYPEOF Who WHEN Lead THEN Company, LastName WHEN Contact THEN "
        "Account.Name ELSE Name END FROM Task ORDER BY Subject"
    )
    call, loose, _mail, meeting = (record["Who"] for record in result.records)
    assert call["attributes"]["type"] == "Lead"
    assert call["Company"] == "Acme"
    assert loose is None
    assert meeting["attributes"]["url"].endswith(f"/Contact/{CAROL}")
    assert meeting["Account"]["Name"] == "Acme"


def test_typeof_without_else_shows_only_attributes_of_other_objects(ask):
    result = ask("SELECT TYPEOF Who WHEN Lead THEN Company END FROM Task WHERE Subject='Meeting'")
    assert list(result.records[0]["Who"]) == ["attributes"]


@pytest.mark.recorded("CumulusCI: select FirstName,(select Name from Opportunities) from Contact")
def test_children_are_a_result_of_their_own_and_null_when_there_are_none(ask):
    result = ask("SELECT LastName, (SELECT Subject FROM Tasks ORDER BY Subject DESC), Company "
                 "FROM Lead WHERE LastName IN ('Byron', 'dent') ORDER BY LastName")  # fmt: skip
    ada, dan = result.records
    assert list(ada) == ["attributes", "LastName", "Tasks", "Company"]
    assert ada["Tasks"]["totalSize"] == 2
    assert ada["Tasks"]["done"] is True
    assert [task["Subject"] for task in ada["Tasks"]["records"]] == ["Mail", "Call"]
    assert ada["Tasks"]["records"][0]["attributes"]["type"] == "Task"
    assert dan["Tasks"] is None


def test_the_limit_of_a_child_query_counts_within_each_parent(ask):
    result = ask("SELECT Name, (SELECT Subject FROM Tasks WHERE Status != 'Deferred' "
                 "ORDER BY CreatedDate DESC LIMIT 1) FROM Account ORDER BY Name")  # fmt: skip
    acme, initech = result.records
    assert [task["Subject"] for task in acme["Tasks"]["records"]] == ["Mail"]
    assert initech["Tasks"] is None


def test_a_child_query_may_read_parents_and_name_its_object(ask):
    result = ask("SELECT Account.Name, (SELECT Task.Subject, Owner.Name FROM Account.Tasks t "
                 "WHERE t.Who.Type = 'Contact') FROM Account WHERE Name = 'Acme'")  # fmt: skip
    (task,) = result.records[0]["Tasks"]["records"]
    assert task["Subject"] == "Meeting"
    assert task["Owner"]["Name"] == "Rita Rep"


def test_children_cost_one_query_for_all_parents(org, ask):
    store, _ = org
    seen: list[str] = []
    store.connection.set_trace_callback(seen.append)
    ask("SELECT Id, (SELECT Id FROM Tasks), (SELECT Id FROM Events) FROM Lead")
    store.connection.set_trace_callback(None)
    assert len([sql for sql in seen if '"Lead"' in sql or '"Task"' in sql or '"Event"' in sql]) == 3


def test_count_gives_a_total_and_no_records(ask):
    result = ask("SELECT count() FROM Lead")
    assert (result.total, result.records) == (5, [])
    assert ask("SELECT COUNT() FROM Lead WHERE Owner.Name = 'Rita Rep'").total == 2
    assert ask("SELECT COUNT() FROM Lead LIMIT 3").total == 3


@pytest.mark.recorded("CumulusCI: select count(Id) from Account")
def test_an_aggregate_without_alias_is_expr0(ask):
    result = ask("select count(Id) from Lead")
    assert result.total == 1
    assert result.records == [{"attributes": {"type": "AggregateResult"}, "expr0": 5}]


def test_aggregates_leave_nulls_out(ask):
    result = ask(
        "SELECT COUNT(NumberOfEmployees) n, SUM(NumberOfEmployees) s, AVG(AnnualRevenue), "
        "MIN(CreatedDate) first, MAX(LastName), COUNT_DISTINCT(LeadSource) FROM Lead"
    )
    assert plain(result) == [
        {
            "n": 4,
            "s": 65,
            "expr0": pytest.approx(58.5833, rel=1e-4),
            "first": "2026-06-30T12:00:00.000+0000",
            "expr1": "Zed",
            "expr2": 3,
        }
    ]


def test_groups_are_named_after_the_last_step_of_their_path(ask):
    result = ask(
        "SELECT Owner.Name, COUNT(Id) FROM Lead GROUP BY Owner.Name "
        "HAVING COUNT(Id) > 1 AND Owner.Name LIKE '%e%' ORDER BY COUNT(Id), Owner.Name"
    )
    assert plain(result) == [
        {"Name": "Fresh Leads", "expr0": 2},
        {"Name": "Rita Rep", "expr0": 2},
    ]


def test_text_is_grouped_in_any_case_and_null_is_a_group(ask):
    result = ask("SELECT Status FROM Lead GROUP BY Status")
    assert len(result.records) == 3
    sources = ask(
        "SELECT LeadSource s, COUNT(Id) n FROM Lead GROUP BY LeadSource ORDER BY COUNT(Id) DESC"
    )
    assert plain(sources)[0] == {"s": "Web", "n": 2}
    assert {"s": None, "n": 1} in plain(sources)


def test_date_functions_work_in_utc_unless_converted(ask):
    soql = "SELECT {0} part, COUNT(Id) n FROM Lead WHERE LastName = 'Byron' GROUP BY {0}"
    for call, part in (
        ("CALENDAR_YEAR(CreatedDate)", 2026),
        ("CALENDAR_QUARTER(CreatedDate)", 4),
        ("CALENDAR_MONTH(CreatedDate)", 11),
        ("DAY_IN_MONTH(CreatedDate)", 4),
        ("DAY_IN_WEEK(CreatedDate)", 4),
        ("DAY_IN_YEAR(CreatedDate)", 308),
        ("WEEK_IN_MONTH(CreatedDate)", 1),
        ("WEEK_IN_YEAR(CreatedDate)", 44),
        ("HOUR_IN_DAY(CreatedDate)", 14),
        ("HOUR_IN_DAY(convertTimezone(CreatedDate))", 9),
        ("DAY_ONLY(CreatedDate)", "2026-11-04"),
        ("FISCAL_QUARTER(CreatedDate)", 4),
        ("CALENDAR_MONTH(Due__c)", 11),
    ):
        assert plain(ask(soql.format(call))) == [{"part": part, "n": 1}], call


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("LeadSource = 'WEB'", [ADA, CYD]),
        ("LeadSource != 'web'", [BOB, DAN, EVE]),
        ("NOT LeadSource = 'Web'", [BOB, DAN, EVE]),
        ("NOT (NumberOfEmployees > 10)", [ADA, DAN, EVE]),
        ("LeadSource = null", [DAN]),
        ("LeadSource = ''", [DAN]),
        ("LeadSource != NULL", [ADA, BOB, CYD, EVE]),
        ("LeadSource <> 'Web' AND LeadSource <> null", [BOB, EVE]),
        ("NumberOfEmployees >= 20", [BOB, CYD]),
        ("NumberOfEmployees < 10", [EVE]),
        ("NumberOfEmployees < null", []),
        ("AnnualRevenue = 100.5", [ADA]),
        ("AnnualRevenue > USD60", [ADA]),
        ("LeadSource IN ('Web', null)", [ADA, CYD, DAN]),
        ("LeadSource NOT IN ('Web', null)", [BOB, EVE]),
        ("LeadSource NOT IN ('Web')", [BOB, DAN, EVE]),
        ("NumberOfEmployees IN (5, 30.0)", [CYD, EVE]),
        ("LastName LIKE 'b%'", [ADA]),
        ("LastName LIKE '_ent'", [DAN]),
        (r"LastName LIKE '100\%\_%'", [CYD]),
        (r"LastName = 'O\'Hara'", [BOB]),
        (r"LastName = '100%_Cy\\d'", [CYD]),
        (r"LastName LIKE '%cy\\D'", [CYD]),
        ("(NOT LastName LIKE '%e%')", [ADA, BOB, CYD]),
        ("IsConverted = TRUE", [EVE]),
        ("IsConverted != true", [ADA, BOB, CYD, DAN]),
        ("(LeadSource = 'Web' OR LeadSource = 'Other') AND IsConverted = false", [ADA, CYD]),
        ("Colours__c INCLUDES ('red;green')", [ADA]),
        ("Colours__c INCLUDES ('blue', 'Green')", [ADA, BOB]),
        ("Colours__c EXCLUDES ('red')", [BOB, CYD, DAN, EVE]),
        ("Due__c = TODAY", [ADA]),
        ("Due__c > 2026-11-03 AND Due__c < 2026-11-05", [ADA]),
        ("CreatedDate = 2026-11-03T12:00:00Z", [BOB]),
        ("CreatedDate >= 2026-11-03T08:00:00.000-04:00", [ADA, BOB]),
        ("ConvertedAccount.Name = 'acme'", [EVE]),
        ("ConvertedAccount.IsDeleted = false", [ADA, BOB, CYD, DAN, EVE]),
        ("DAY_ONLY(CreatedDate) = 2026-11-01", [CYD]),
        ("CALENDAR_MONTH(CreatedDate) = 10", [DAN]),
        ("Id IN (SELECT LeadId FROM CampaignMember)", [ADA]),
        ("Id NOT IN (SELECT LeadId FROM CampaignMember)", [BOB, CYD, DAN, EVE]),
        ("(Id NOT IN (SELECT LeadId FROM CampaignMember) AND Company = 'Acme')", []),
        ("ConvertedAccountId IN (SELECT AccountId FROM Contact WHERE Owner.Name LIKE 'R%')", [EVE]),
        ("OwnerId IN (SELECT Id FROM Group WHERE Type = 'Queue')", [DAN, EVE]),
    ],
)
def test_conditions_select_the_rows_they_mean(ids, where, found):
    assert sorted(ids(where)) == found


@pytest.mark.parametrize(
    ("literal", "found"),
    [
        ("TODAY", [ADA]),
        ("YESTERDAY", [BOB]),
        ("TOMORROW", []),
        ("THIS_WEEK", [ADA, BOB, CYD]),
        ("LAST_WEEK", []),
        ("THIS_MONTH", [ADA, BOB, CYD]),
        ("LAST_MONTH", [DAN]),
        ("THIS_QUARTER", [ADA, BOB, CYD, DAN]),
        ("LAST_QUARTER", []),
        ("THIS_YEAR", [ADA, BOB, CYD, DAN, EVE]),
        ("THIS_FISCAL_YEAR", [ADA, BOB, CYD, DAN, EVE]),
        ("LAST_N_DAYS:1", [ADA, BOB]),
        ("LAST_N_DAYS:3", [ADA, BOB, CYD]),
        ("LAST_90_DAYS", [ADA, BOB, CYD, DAN]),
        ("N_DAYS_AGO:1", [BOB]),
        ("N_DAYS_AGO:3", [CYD]),
        ("LAST_N_WEEKS:3", [DAN]),
        ("LAST_N_MONTHS:1", [DAN]),
        ("N_MONTHS_AGO:5", [EVE]),
        ("LAST_N_QUARTERS:2", [EVE]),
        ("LAST_N_FISCAL_QUARTERS:2", [EVE]),
        ("NEXT_N_DAYS:3", []),
    ],
)
def test_date_literals_mean_days_of_the_user(ids, literal, found):
    assert sorted(ids(f"CreatedDate = {literal}")) == found


def test_comparisons_with_a_date_literal_stand_before_or_after_all_of_it(ids):
    assert sorted(ids("CreatedDate < THIS_MONTH")) == [DAN, EVE]
    assert sorted(ids("CreatedDate <= LAST_MONTH")) == [DAN, EVE]
    assert sorted(ids("CreatedDate > LAST_MONTH")) == [ADA, BOB, CYD]
    assert sorted(ids("CreatedDate >= YESTERDAY")) == [ADA, BOB]
    assert sorted(ids("CreatedDate != TODAY")) == [BOB, CYD, DAN, EVE]
    assert sorted(ids("CreatedDate IN (TODAY, LAST_MONTH)")) == [ADA, DAN]


def test_today_begins_at_midnight_in_the_time_zone_of_the_user(ids):
    tokyo = {"Id": REP1, "TimeZoneSidKey": "Asia/Tokyo"}
    late = datetime(2026, 11, 4, 16, tzinfo=UTC)
    assert ids("CreatedDate = TODAY", user=tokyo, now=late) == []
    assert ids("CreatedDate = YESTERDAY", user=tokyo, now=late) == [ADA]


def test_nulls_come_first_unless_last_is_said(ask):
    def order(clause):
        return [r["Id"] for r in ask(f"SELECT Id FROM Lead ORDER BY {clause}").records]

    assert order("NumberOfEmployees") == [DAN, EVE, ADA, BOB, CYD]
    assert order("NumberOfEmployees NULLS LAST") == [EVE, ADA, BOB, CYD, DAN]
    assert order("NumberOfEmployees DESC") == [DAN, CYD, BOB, ADA, EVE]
    assert order("NumberOfEmployees DESC NULLS LAST") == [CYD, BOB, ADA, EVE, DAN]
    assert order("LastName desc") == [EVE, BOB, DAN, ADA, CYD]


def test_the_limit_counts_after_the_offset(ask):
    result = ask("SELECT Id FROM Lead ORDER BY CreatedDate DESC LIMIT 2 OFFSET 1 FOR VIEW")
    assert [r["Id"] for r in result.records] == [BOB, CYD]
    assert [r["Id"] for r in ask("SELECT Id FROM Lead ORDER BY Id OFFSET 4").records] == [EVE]


def test_deleted_rows_show_only_when_asked_for(ask):
    assert ask("SELECT COUNT() FROM Lead").total == 5
    assert ask("SELECT COUNT() FROM Lead", all_rows=True).total == 6
    assert ask("SELECT COUNT() FROM Lead ALL ROWS").total == 6


def test_compound_fields_are_objects_with_lower_case_keys(ask):
    result = ask("SELECT Address FROM Lead WHERE LastName IN ('Byron', 'dent') ORDER BY LastName")
    assert result.records[0]["Address"]["city"] == "London"
    assert result.records[0]["Address"]["country"] is None
    assert result.records[1]["Address"] is None


def test_field_sets_stand_for_the_fields_the_user_may_read(ask):
    everything = ask("SELECT FIELDS(ALL) FROM Lead LIMIT 1").records[0]
    standard = ask("SELECT FIELDS(STANDARD) FROM Lead").records[0]
    custom = ask("SELECT Id, FIELDS(CUSTOM) FROM Lead LIMIT 200").records[0]
    assert {"Id", "Address", "Colours__c"} <= set(everything)
    assert "Colours__c" not in standard
    assert list(custom) == ["attributes", "Id", "Colours__c", "Due__c"]
    hidden = ask("SELECT FIELDS(CUSTOM) FROM Lead LIMIT 1", hidden=["Lead.Due__c"]).records[0]
    assert list(hidden) == ["attributes", "Colours__c"]


def test_labels_and_currencies_go_under_the_name_of_the_field(ask):
    result = ask("SELECT toLabel(Status), convertCurrency(AnnualRevenue) money, "
                 "FORMAT(CreatedDate) d FROM Lead WHERE LastName = 'Byron'")  # fmt: skip
    assert plain(result) == [
        {"Status": "open - not contacted", "money": 100.5, "d": "11/4/2026, 9:00 AM"}
    ]


def test_scopes_narrow_by_owner(ask):
    assert ask("SELECT COUNT() FROM Lead USING SCOPE mine").total == 2
    assert ask("SELECT COUNT() FROM Lead USING SCOPE everything").total == 5
    assert ask("SELECT COUNT() FROM Lead USING SCOPE queue_owned").total == 2


def test_objects_named_like_keywords_and_lines_are_no_obstacle(ask):
    result = ask("\nSELECT Id,\n Name\nFROM Group\nWHERE Type='Queue'\nORDER BY Name limit 5")
    assert plain(result) == [{"Id": QUEUE, "Name": "Fresh Leads"}]


def test_a_second_source_names_a_parent(ask):
    soql = "SELECT COUNT() FROM Contact c, c.Account a WHERE a.Name = 'Acme'"
    assert ask(soql).total == 1


def test_security_clauses_change_nothing_for_one_who_may_read(ask):
    for mode in ("SECURITY_ENFORCED", "USER_MODE", "SYSTEM_MODE"):
        assert ask(f"SELECT COUNT() FROM Lead WITH {mode}").total == 5


@pytest.mark.recorded("salesforcecli/plugin-data: soqlQueryExemplars, columnMetadata")
def test_column_metadata_tells_parents_children_and_functions_apart(ask):
    columns = ask("SELECT Id, Owner.Name, (SELECT Subject FROM Tasks) FROM Lead").columns
    plain_column = {"aggregate": False, "joinColumns": []}
    assert columns == [
        {"columnName": "Id", "displayName": "Id", **plain_column},
        {
            "columnName": "Owner",
            "displayName": "Owner",
            "aggregate": False,
            "joinColumns": [{"columnName": "Name", "displayName": "Name", **plain_column}],
        },
        {
            "columnName": "Tasks",
            "displayName": "Tasks",
            "aggregate": True,
            "joinColumns": [{"columnName": "Subject", "displayName": "Subject", **plain_column}],
        },
    ]
    group = ask("SELECT LeadSource, AVG(AnnualRevenue) FROM Lead GROUP BY LeadSource").columns
    assert [c["columnName"] for c in group] == ["LeadSource", "expr0"]
    assert [c["displayName"] for c in group] == ["LeadSource", "avg(AnnualRevenue)"]
    assert [c["aggregate"] for c in group] == [False, True]


@pytest.mark.recorded("CumulusCI: tooling query of ApexClass")
def test_the_tooling_api_names_its_own_resource(ask):
    result = ask("SELECT Id FROM Group", base="tooling/sobjects")
    assert result.records[0]["attributes"]["url"].startswith(
        "/services/data/v66.0/tooling/sobjects/Group/"
    )


def test_a_hidden_parent_field_reads_as_null_when_another_target_shows_it(ask):
    result = ask("SELECT Owner.Name FROM Lead WHERE LastName = 'Byron'", hidden=["Group.Name"])
    assert result.records[0]["Owner"]["Name"] == "Rita Rep"


def test_values_never_become_sql(ids):
    assert ids(r"LastName = 'x\' OR 1=1 --'") == []
    assert ids("LastName = '\"; DROP TABLE Lead; --'") == []


def test_an_unknown_parent_is_refused_before_anything_is_read(ask):
    with pytest.raises(OrgError, match="INVALID_FIELD"):
        ask("SELECT Nobody.Name FROM Lead")
