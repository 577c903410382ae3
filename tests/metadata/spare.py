"""Components beside the package, so that every kind of them is there for a test to break."""

from __future__ import annotations

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
NAMESPACE = "http://soap.sforce.com/2006/04/metadata"


def component(kind: str, content: str) -> str:
    """Return a source file."""
    return f'{HEAD}<{kind} xmlns="{NAMESPACE}">\n{content}\n</{kind}>\n'


LEAD = "objects/Lead/"
VIEW = f"{LEAD}listViews/Spare.listView-meta.xml"
RECORD_TYPE = f"{LEAD}recordTypes/Spare.recordType-meta.xml"
COMPACT = f"{LEAD}compactLayouts/Spare.compactLayout-meta.xml"
TYPE = "reportTypes/Spare.reportType-meta.xml"
FOLDER = "dashboards/Spare.dashboardFolder-meta.xml"
DASHBOARD = "dashboards/Spare/Spare.dashboard-meta.xml"
GROUP = "permissionsetgroups/Spare.permissionsetgroup-meta.xml"
LAYOUT = "layouts/Lead-Spare.layout-meta.xml"
FLOW = "flows/Spare.flow-meta.xml"
QUEUE = "queues/Spare.queue-meta.xml"
REPORT_FOLDER = "reports/Spare.reportFolder-meta.xml"
REPORT = "reports/Spare/Spare.report-meta.xml"
TABLE = "reports/Spare/Table.report-meta.xml"
OBJECT = "objects/Spare__mdt/Spare__mdt.object-meta.xml"
MINUTES = "objects/Spare__mdt/fields/Minutes__c.field-meta.xml"
RECORD = "customMetadata/Spare.Main.md-meta.xml"
SETTINGS = "settings/LeadConfig.settings-meta.xml"

ADDED = {
    VIEW: component(
        "ListView",
        """<fullName>Spare</fullName><columns>FULL_NAME</columns><columns>LEAD.STATUS</columns>
<columns>Owner_Assigned_At__c</columns><filterScope>Everything</filterScope>
<filters><field>First_Response_At__c</field><operation>equals</operation><value></value></filters>
<label>Spare</label>""",
    ),
    RECORD_TYPE: component(
        "RecordType",
        """<fullName>Spare</fullName><active>true</active><label>Spare</label>
<picklistValues><picklist>First_Response_Source__c</picklist>
<values><fullName>Call</fullName><default>false</default></values></picklistValues>""",
    ),
    COMPACT: component(
        "CompactLayout",
        """<fullName>Spare</fullName><fields>Name</fields><fields>First_Response_At__c</fields>
<label>Spare</label>""",
    ),
    TYPE: component(
        "ReportType",
        """<baseObject>Lead</baseObject><category>leads</category><deployed>true</deployed>
<label>Spare</label><sections><columns><checkedByDefault>true</checkedByDefault>
<field>First_Response_User__c.IsActive</field><table>Lead</table></columns>
<masterLabel>Leads</masterLabel></sections>""",
    ),
    REPORT_FOLDER: component("ReportFolder", "<name>Spare</name>"),
    REPORT: component(
        "Report",
        """<buckets><bucketType>number</bucketType><developerName>BucketField_TTFR</developerName>
<masterLabel>TTFR band</masterLabel><nullTreatment>n</nullTreatment>
<sourceColumnName>Lead.Time_to_First_Response__c</sourceColumnName><useOther>false</useOther>
<values><sourceValues><to>5</to></sourceValues><value>Within 5 min</value></values>
<values><sourceValues><from>5</from></sourceValues><value>Over 5 min</value></values></buckets>
<columns><field>LAST_NAME</field></columns><columns><field>OWNER</field></columns>
<columns><field>Lead.First_Response_User__c</field></columns>
<columns><aggregateTypes>Average</aggregateTypes><aggregateTypes>Median</aggregateTypes>
<field>Lead.Time_to_First_Response__c</field></columns>
<columns><field>BucketField_TTFR</field></columns>
<filter><criteriaItems><column>Lead.First_Response_At__c</column>
<operator>notEqual</operator><value></value></criteriaItems></filter>
<format>Summary</format>
<groupingsDown><dateGranularity>Week</dateGranularity><field>CREATED_DATE</field>
<sortOrder>Asc</sortOrder></groupingsDown>
<groupingsDown><dateGranularity>None</dateGranularity><field>Lead.First_Response_Source__c</field>
<sortOrder>Asc</sortOrder></groupingsDown>
<name>Spare</name><reportType>LeadList</reportType><scope>org</scope>
<timeFrameFilter><dateColumn>CREATED_DATE</dateColumn><interval>INTERVAL_LAST30</interval>
</timeFrameFilter>""",
    ),
    TABLE: component(
        "Report",
        """<columns><field>LAST_NAME</field></columns><columns><field>EMAIL</field></columns>
<format>Tabular</format><name>Table</name><reportType>LeadList</reportType><scope>org</scope>""",
    ),
    FOLDER: component("DashboardFolder", "<name>Spare</name>"),
    DASHBOARD: component(
        "Dashboard",
        """<backgroundEndColor>#FFFFFF</backgroundEndColor>
<backgroundFadeDirection>Diagonal</backgroundFadeDirection>
<backgroundStartColor>#FFFFFF</backgroundStartColor>
<dashboardGridLayout><dashboardGridComponents><colSpan>3</colSpan><columnIndex>0</columnIndex>
<dashboardComponent><chartSummary><aggregate>Median</aggregate><axisBinding>y</axisBinding>
<column>Lead.Time_to_First_Response__c</column></chartSummary><componentType>Metric</componentType>
<header>Median</header><report>Spare/Spare</report></dashboardComponent>
<rowIndex>0</rowIndex><rowSpan>4</rowSpan></dashboardGridComponents>
<numberOfColumns>12</numberOfColumns><rowHeight>36</rowHeight></dashboardGridLayout>
<dashboardType>LoggedInUser</dashboardType><textColor>#000000</textColor><title>Spare</title>
<titleColor>#000000</titleColor><titleSize>12</titleSize>""",
    ),
    GROUP: component(
        "PermissionSetGroup",
        """<description>Spare.</description><label>Spare</label>
<permissionSets>Speed_to_Lead_Analyst</permissionSets>""",
    ),
    LAYOUT: component(
        "Layout",
        """<layoutSections><customLabel>true</customLabel><detailHeading>true</detailHeading>
<editHeading>true</editHeading><label>Speed</label><layoutColumns>
<layoutItems><behavior>Readonly</behavior><field>First_Response_At__c</field></layoutItems>
<layoutItems><behavior>Required</behavior><field>Company</field></layoutItems></layoutColumns>
<style>OneColumn</style></layoutSections>""",
    ),
    FLOW: component(
        "Flow",
        """<apiVersion>62.0</apiVersion><label>Spare</label>
<processType>AutoLaunchedFlow</processType><start><locationX>0</locationX><locationY>0</locationY>
<object>Lead</object><triggerType>RecordBeforeSave</triggerType></start><status>Draft</status>""",
    ),
    QUEUE: component(
        "Queue",
        """<doesSendEmailToMembers>false</doesSendEmailToMembers><name>Spare</name>
<queueSobject><sobjectType>Lead</sobjectType></queueSobject>""",
    ),
    OBJECT: component(
        "CustomObject",
        """<description>The spare settings.</description><label>Spare</label>
<pluralLabel>Spares</pluralLabel><visibility>Public</visibility>""",
    ),
    MINUTES: component(
        "CustomField",
        """<fullName>Minutes__c</fullName><description>The spare minutes.</description>
<inlineHelpText>The spare minutes.</inlineHelpText><label>Minutes</label><precision>4</precision>
<required>false</required><scale>0</scale><type>Number</type>""",
    ),
    RECORD: component(
        "CustomMetadata",
        """<label>Main</label><values xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
xmlns:xsd="http://www.w3.org/2001/XMLSchema"><field>Minutes__c</field>
<value xsi:type="xsd:double">5.0</value></values>""",
    ),
    SETTINGS: component("LeadConfigSettings", "<doesTrackHistory>true</doesTrackHistory>"),
}
"""Source files below force-app/main/default."""
