"""Faults that a package may have, one a line, with what the org must say of each.

The package under test is the project's own with ``ADDED`` beside it, so that every kind of component
has something to break. A mutation without words is a change that every judge must let pass.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.metadata.packing import DEFAULT, swap
from tests.metadata.spare import (
    ADDED,
    COMPACT,
    DASHBOARD,
    FLOW,
    FOLDER,
    GROUP,
    LAYOUT,
    LEAD,
    QUEUE,
    RECORD,
    RECORD_TYPE,
    REPORT,
    REPORT_FOLDER,
    SETTINGS,
    TABLE,
    TYPE,
    VIEW,
)

__all__ = ["ADDED", "MUTATIONS", "Mutation"]

AT = f"{LEAD}fields/First_Response_At__c.field-meta.xml"
SOURCE = f"{LEAD}fields/First_Response_Source__c.field-meta.xml"
USER = f"{LEAD}fields/First_Response_User__c.field-meta.xml"
VERSION = f"{LEAD}fields/Policy_Version__c.field-meta.xml"
TTFR = f"{LEAD}fields/Time_to_First_Response__c.field-meta.xml"
EARLIER = f"{LEAD}validationRules/First_Response_Only_Earlier.validationRule-meta.xml"
WHOLE = f"{LEAD}validationRules/First_Response_Is_Whole.validationRule-meta.xml"
SIDECAR = "permissionsets/Speed_to_Lead_Sidecar.permissionset-meta.xml"
ADMIN = "permissionsets/Speed_to_Lead_Admin.permissionset-meta.xml"
PERMISSION = "customPermissions/Speed_to_Lead_Override.customPermission-meta.xml"
CHANNEL = "platformEventChannels/SpeedToLead__chn.platformEventChannel-meta.xml"
MEMBER = "platformEventChannelMembers/SpeedToLead_chn_TaskChangeEvent.platformEventChannelMember-meta.xml"

SUMMARY = (
    "<aggregates><calculatedFormula>{}</calculatedFormula><datatype>number</datatype>"
    "<developerName>FORMULA1</developerName><isActive>true</isActive><masterLabel>x</masterLabel>"
    "<scale>2</scale></aggregates><buckets>"
)
ENRICHED = "<enrichedFields><name>Subject</name></enrichedFields>" * 5
AVERAGED = "<aggregateTypes>Average</aggregateTypes><field>Lead.Time_to_First_Response__c"
GROUPED = "<columns><field>Lead.First_Response_Source__c</field></columns><columns>"
SCATTERED = "<scope>org</scope><columns><field>STATUS</field></columns>"
NESTED = "<sortOrder>Asc</sortOrder><groupings><field>OWNER</field></groupings>"
DELETED = ""
"""In place of an old text: the file is deleted."""


@dataclass(frozen=True)
class Mutation:
    """One change of one file, and words of the org's refusal; none when it must pass."""

    file: str
    old: str
    new: str
    words: str = ""
    only_the_org: bool = False
    """Takes a compiler of formulas, or the org's own objects: no file-by-file judge sees it."""

    def apply(self, project: Path) -> None:
        """Break a copy of the project."""
        path = project / DEFAULT / self.file
        if self.old == DELETED:
            path.unlink()
        else:
            swap(path, self.old, self.new)

    def __str__(self) -> str:
        name = Path(self.file).name.split(".")[0]
        return f"{name}: {self.old[:30] or 'deleted'} -> {self.new[-40:]}"


MUTATIONS = tuple(
    Mutation(*row)
    for row in (
        # Not well-formed, or not of this type.
        (AT, "</CustomField>", "", "Error parsing file"),
        (AT, "</CustomField>", "</CustomFeild>", "Error parsing file"),
        (PERMISSION, "2006/04/metadata", "2006/04/metadata/", "Element CustomPermission invalid"),
        (LAYOUT, "2006/04/metadata", "2006/05/metadata", "Element Layout invalid at this location"),
        # Elements and their values.
        (AT, "<required>", "<requierd>x</requierd><required>", "Element requierd invalid"),
        (
            AT,
            "<required>false</required>",
            "<requierd>false</requierd>",
            "Element requierd invalid at this location in type CustomField",
        ),
        (AT, "<label>", "<label>a</label><label>", "Element label is duplicated at this location"),
        (AT, "<type>DateTime", "<type>Datetime", "'Datetime' is not a valid value for the enum"),
        (AT, "<externalId>false", "<externalId>no", "'no' is not a valid value for the type"),
        (TTFR, "<scale>2", "<scale>two", "'two' is not a valid value for the type xsd:int"),
        (
            USER,
            "<deleteConstraint>SetNull",
            "<deleteConstraint>Keep",
            "'Keep' is not a valid value",
        ),
        (EARLIER, "<active>true</active>", "", "Required field is missing: active"),
        (REPORT, "<format>Summary", "<format>Joined", "'Joined' is not a valid value for the enum"),
        (REPORT, "<aggregateTypes>Median", "<aggregateTypes>Med", "'Med' is not a valid value"),
        (REPORT, "INTERVAL_LAST30", "INTERVAL_LAST30DAYS", "'INTERVAL_LAST30DAYS' is not a valid"),
        (REPORT, "<operator>notEqual", "<operator>notBlank", "'notBlank' is not a valid value"),
        (REPORT, "<scope>org</scope>", SCATTERED, "Element columns is duplicated at this location"),
        (REPORT, "<reportType>LeadList</reportType>", "", "Required field is missing: reportType"),
        (
            REPORT,
            "<sortOrder>Asc</sortOrder>",
            NESTED,
            "Element groupings invalid at this location",
        ),
        (DASHBOARD, "<numberOfColumns>12</numberOfColumns>", "", "is missing: numberOfColumns"),
        (DASHBOARD, "<componentType>Metric", "<componentType>Number", "'Number' is not a valid"),
        (MEMBER, "<selectedEntity>", "<label>x</label><selectedEntity>", "Element label invalid"),
        (PERMISSION, "<isLicensed>false</isLicensed>", "", "Required field is missing: isLicensed"),
        (CHANNEL, "<channelType>data", "<channelType>date", "'date' is not a valid value"),
        (SIDECAR, "<readable>true", "<readable>yes", "'yes' is not a valid value for the type"),
        (
            SIDECAR,
            "<fieldPermissions>",
            "<fieldPermission>x</fieldPermission><fieldPermissions>",
            "Element fieldPermission invalid",
        ),
        (VIEW, "<filterScope>Everything", "<filterScope>All", "'All' is not a valid value"),
        (
            VIEW,
            "<filterScope>Everything</filterScope>",
            "",
            "Required field is missing: filterScope",
        ),
        (VIEW, "<operation>equals", "<operation>is", "'is' is not a valid value for the enum"),
        (LAYOUT, "<behavior>Readonly", "<behavior>Hidden", "'Hidden' is not a valid value"),
        (LAYOUT, "<layoutItems>", "<layoutItem/><layoutItems>", "Element layoutItem invalid"),
        (RECORD_TYPE, "<active>true</active>", "", "Required field is missing: active"),
        (COMPACT, "<label>Spare</label>", "", "Required field is missing: label"),
        (FLOW, "<status>Draft", "<status>Sleeping", "'Sleeping' is not a valid value for the enum"),
        (
            QUEUE,
            "<doesSendEmailToMembers>false",
            "<doesSendEmailToMembers>no",
            "'no' is not a valid",
        ),
        (
            SETTINGS,
            "doesTrackHistory>true</doesTrackHistory",
            "trackHistory>true</trackHistory",
            "Element trackHistory invalid",
        ),
        (RECORD, "<label>", "<lable>x</lable><label>", "Element lable invalid at this location"),
        # What a component names, and the rules of its type.
        (AT, "<fullName>First_Response_At__c", "<fullName>First__c", "was not found in zipped"),
        (AT, "<trackHistory>false", "<trackHistory>true", "does not have history tracking enabled"),
        (TTFR, "<scale>", "<trackHistory>true</trackHistory><scale>", "not supported for formula"),
        (TTFR, "Response_Clock_Started_At__c", "Clock__c", "Field Clock__c does not exist"),
        (
            TTFR,
            "IF(ISBLANK(First_Response_At__c), NULL,",
            "IF(ISBLANK(First_Response_At__c), NULL",
            "Syntax error",
            True,
        ),
        (TTFR, "<type>Number", "<length>9</length><type>Text", "Can not specify 'length'"),
        (AT, "<required>false", "<required>true", "You cannot deploy to a required field"),
        (
            USER,
            "<referenceTo>User",
            "<referenceTo>Usr__c",
            "does not resolve to a valid sObject",
            True,
        ),
        (REPORT_FOLDER, DELETED, "", "Cannot find folder:Spare"),
        (FOLDER, DELETED, "", "Cannot find folder:Spare"),
        (REPORT, "<columns>", GROUPED, "a grouping cannot also be a column"),
        (REPORT, "<format>Summary", "<format>Tabular", "Tabular reports"),
        (TABLE, "<field>EMAIL", AVERAGED, "Tabular reports can't have"),
        (REPORT, "<scope>org", "<scope>organization", "scope: Invalid value"),
        (REPORT, "<field>LAST_NAME", "<field>LEAD_ID", "columns-field: Invalid value"),
        (REPORT, "<field>OWNER", "<field>LEAD_OWNER", "columns-field: Invalid value"),
        (REPORT, "Lead.First_Response_User__c", "Lead.First_Responder__c", "First_Responder__c"),
        (REPORT, "<dateGranularity>None", "<dateGranularity>Day", "only a date"),
        (REPORT, "<buckets>", SUMMARY.format("Lead.Time_to_First_Response__c:MED"), "MED"),
        (REPORT, "<buckets>", SUMMARY.format("Time_to_First_Response__c:AVG"), "Invalid value"),
        (REPORT, "<name>Spare", "<name>" + "x" * 41, "Report Name: data value too large"),
        (TYPE, "First_Response_User__c.IsActive", "Responder__c.IsActive", "Responder__c"),
        (DASHBOARD, "Spare/Spare", "Spare/TTFR", "Spare/TTFR"),
        (DASHBOARD, "<header>", "<groupingColumn>STATUS</groupingColumn><header>", "STATUS"),
        (DASHBOARD, "<header>Median", "<header>" + "x" * 81, "data value too large"),
        (VIEW, "<columns>Owner_Assigned_At__c", "<columns>Assigned__c", "column: Assigned__c"),
        (VIEW, "<field>First_Response_At__c", "<field>Replied__c", "column: Replied__c"),
        (
            SIDECAR,
            "Lead.Policy_Version__c",
            "Lead.Policy__c",
            "no CustomField named Lead.Policy__c",
        ),
        (SIDECAR, "Event.WhoId", "Event.WhatId", "must be deployed together"),
        (ADMIN, "Speed_to_Lead_Override", "Speed_to_Lead_Bypass", "no CustomPermission named"),
        (GROUP, "Speed_to_Lead_Analyst", "Speed_to_Lead_Reader", "no PermissionSet named"),
        (MEMBER, "SpeedToLead__chn", "data/ChangeEvents", "Unable to find the specified channel"),
        (MEMBER, ">TaskChangeEvent<", ">Task<", 'invalid event in the "selectedEntity" field'),
        (
            MEMBER,
            "<name>OwnerId",
            "<name>Owner.Name",
            "The selected field, Owner.Name, isn't valid",
        ),
        (MEMBER, "<enrichedFields>", ENRICHED + "<enrichedFields>", "up to 10 enriched fields"),
        (
            EARLIER,
            "ISCHANGED(First_Response_At__c)",
            "ISCHANGED(First__c)",
            "Field First__c does not",
        ),
        (EARLIER, "$Permission.Speed_to_Lead_Override", "$Permission.Nope", "$Permission.Nope"),
        (EARLIER, "STL-001: ", "STL-001: " + "x" * 250, "Error Message: data value too large"),
        (EARLIER, "<errorDisplayField>First_Response_At__c", "<errorDisplayField>At__c", "At__c"),
        (WHOLE, "OR(", "TEXT(", "TEXT", True),
        # Changes that are no faults, whatever the house thinks of them.
        (TTFR, "<precision>18", "<precision>16"),
        (ADMIN, "<description>", "<description>Now: "),
        (WHOLE, "STL-002: ", ""),
        (AT, "<inlineHelpText>The", "<inlineHelpText>An"),
        (DASHBOARD, "<textColor>", "<runningUser>a@example.com</runningUser><textColor>"),
        (REPORT, "<scope>org", "<scope>user"),
        (VIEW, "<label>Spare", "<label>Another"),
        (RECORD, ">5.0<", ">7.0<"),
    )
)
