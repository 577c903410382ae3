"""Somebody at a desk with reports: deploys them, runs them over HTTP, reads totals and groups."""

from __future__ import annotations

from local_org.clock import millis
from local_org.metadata.results import DeployOptions
from local_org.schema.model import FieldType
from tests.local_org.caller import custom, extend, listed
from tests.local_org.web import Web
from tests.metadata.deploying import manifest, xml
from tests.metadata.packing import zipped

FOLDER = "KPIs"
EVERYBODY = (
    "<folderShares><accessLevel>View</accessLevel><sharedTo>AllInternalUsers</sharedTo>"
    "<sharedToType>Organization</sharedToType></folderShares>"
)


class Desk(Web):
    """The administrator of an org whose clock stands at NOW and whose days are GMT's."""

    def deploy(self, files):
        """Deploy files by name, package.xml among them, and return the result."""
        user_id = self.org.user("admin@local.test")["Id"]
        session = self.org.session(self.org.login(user_id, "tests"), "soap/66.0")
        return self.org.deploy(session, zipped(files), DeployOptions())

    def put(self, kind, content, name="R", shares=EVERYBODY, **others):
        """Deploy one report or dashboard in the folder; return its id."""
        suffix, folder = f"{kind.lower()}s", f"{kind}Folder"
        files = {
            "package.xml": manifest(
                **{kind: [FOLDER, f"{FOLDER}/{name}"]} | others.pop("types", {})
            ),
            f"{suffix}/{FOLDER}-meta.xml": xml(folder, f"{shares}<name>KPIs</name>"),
            f"{suffix}/{FOLDER}/{name}.{kind.lower()}": xml(kind, content),
            **others.pop("files", {}),
        }
        result = self.deploy(files)
        assert result.success, result.failures
        return next(m.id for m in result.successes if m.full_name == f"{FOLDER}/{name}")

    def analytics(self, method, path, **request):
        """Send a request below the analytics root and return the answer's JSON."""
        answer = self.rest(method, f"/analytics{path}", **request)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def refused(self, method, path, **request):
        """Return status, code and message of an analytics call that is refused."""
        return self.refusal(method, f"/services/data/v66.0/analytics{path}", **request)

    def results(self, report_id, *, details=False, **metadata):
        """Run a saved report, with metadata in place of its own."""
        params = {"includeDetails": str(details).lower()}
        if not metadata:
            return self.analytics("GET", f"/reports/{report_id}", params=params)
        body = {"reportMetadata": metadata}
        return self.analytics("POST", f"/reports/{report_id}", params=params, json=body)

    def ask(self, *, details=False, report_type="LeadList", **metadata):
        """Run a report that is not saved."""
        params = {"includeDetails": str(details).lower()}
        body = {"reportMetadata": described(report_type, metadata)}
        return self.analytics("POST", "/reports/query", params=params, json=body)

    def ask_in_vain(self, *, report_type="LeadList", **metadata):
        """Return status, code and message of a report that cannot be run."""
        body = {"reportMetadata": described(report_type, metadata)}
        return self.refused("POST", "/reports/query", json=body)

    def count(self, *filters, logic=None, **metadata):
        """Return how many leads the criteria (column, operator, value) leave."""
        listed = [{"column": c, "operator": o, "value": v} for c, o, v in filters]
        answer = self.ask(reportFilters=listed, reportBooleanFilter=logic, **metadata)
        return totals(answer)[-1]


def scoring_desk():
    """Return a desk whose leads have scores and other fields that everybody sees."""
    desk = Desk()
    extend(
        desk.org,
        fields=[
            custom("Score__c", FieldType.DOUBLE, precision=10, scale=2),
            custom("Limit__c", FieldType.DOUBLE, precision=10, scale=2),
            custom("Skills__c", FieldType.MULTIPICKLIST, picklist=listed("Ada", "Basic", "C")),
            custom("Due__c", FieldType.DATE),
            custom("At__c", FieldType.DATETIME),
        ],
    )
    return desk


def add(desk, *rows):
    """Create leads, named L0, L1 and so on; return their ids."""
    return [
        desk.create(**{"LastName": f"L{n}", "Company": "ACME"} | row) for n, row in enumerate(rows)
    ]


def created(desk, *moments):
    """Create leads with these times of creation, as an import with audit fields does."""
    for lead_id, moment in zip(add(desk, *({} for _ in moments)), moments, strict=True):
        desk.org.store.update_row("Lead", lead_id, {"CreatedDate": millis(moment)})


def described(report_type, metadata):
    """Return report metadata with what every report needs."""
    return {
        "reportType": {"type": report_type},
        "reportFormat": "TABULAR",
        "detailColumns": [],
        "aggregates": ["RowCount"],
    } | metadata


def grouped(name, granularity="None", **more):
    """Return one grouping."""
    return {"name": name, "dateGranularity": granularity, "sortOrder": "Asc"} | more


def totals(answer, place="T!T"):
    """Return the aggregates of one group."""
    return [each["value"] for each in answer["factMap"][place]["aggregates"]]


def labels(answer, place="T!T"):
    """Return the aggregates of one group as people read them."""
    return [each["label"] for each in answer["factMap"][place]["aggregates"]]


def shown(answer, place="T!T", part="label"):
    """Return the detail rows of one group."""
    rows = answer["factMap"][place]["rows"]
    return [[cell[part] for cell in row["dataCells"]] for row in rows]


def groups(answer, part="label", side="groupingsDown"):
    """Return the groups as a list; one that has groups of its own is a pair."""

    def told(each):
        below = [told(one) for one in each["groupings"]]
        return (each[part], below) if below else each[part]

    return [told(each) for each in answer[side]["groupings"]]
