*** Settings ***
Documentation     Every total of every report is what the records say. The numbers are computed a second
...               time, from the stamps on the Leads and the definitions in ``resources/kpis.py``.

Library           robot/SpeedToLead/resources/ReportTotals.py
Resource          robot/SpeedToLead/resources/Measured.resource
Resource          robot/SpeedToLead/resources/People.resource
Resource          robot/SpeedToLead/resources/SpeedToLead.resource

Suite Setup       Leads Of All Kinds
Suite Teardown    Delete The Leads And Let The Users Go

Test Tags         feature:reports


*** Test Cases ***
Every Report Has A Definition
    [Documentation]    A report that nobody has computed independently proves nothing.
    @{names} =    Get Dictionary Keys    ${REPORTS}
    Every Report Is Defined    @{names}

Every Total Of Every Report Is What The Records Say
    [Documentation]    Grand totals, groups and groups of groups, while the org has Leads of all kinds.
    [Template]    Report Says What The Records Say
    FOR    ${name}    IN    @{REPORTS}
        ${name}
    END

A Response Shows In The Reports At Once
    [Documentation]    What was stamped a moment ago is counted, in the totals and by its kind.
    ${before} =    Report Says What The Records Say    Evidence_by_Kind
    ${lead} =    A New Lead
    A Completed Call On    ${lead}
    Lead Should Say    ${lead}    First_Response_Source__c=Call
    ${after} =    Report Says What The Records Say    Evidence_by_Kind
    Should Be Equal As Integers    ${after}    ${before + 1}


*** Keywords ***
Leads Of All Kinds
    [Documentation]    Makes answered, late, early, waiting, converted, preexisting and queued Leads.
    ${inside} =    Hire    inside    Standard User    Department=Inside Sales
    ${field} =    Hire    field    Standard User    Department=Field Sales
    ${inside} =    User Id Of    ${inside}
    ${field} =    User Id Of    ${field}
    #    started    assigned    answered    by    source    due
    A Measured Lead    3 hours    0 min    4 min    Call    60 min    LeadSource=Web    First_Response_User__c=${inside}
    A Measured Lead    3 hours    2 min    59 min    Email    60 min    LeadSource=Web    First_Response_User__c=${field}
    A Measured Lead    2 days    30 min    26 hours    Meeting    60 min    LeadSource=Partner Referral    OwnerId=${field}
    A Measured Lead    2 days    never    61 min    Other    60 min    OwnerId=${inside}    Response_Segment__c=Strategic
    A Measured Lead    1 hour    20 min    10 min    Call    10 days    LeadSource=Other    First_Response_User__c=${field}
    A Measured Lead    10 days    1 day    2 days    Call    1 day    LeadSource=Other    OwnerId=${inside}
    A Measured Lead    2 hours    0 min    -90 min    Preexisting    60 min    LeadSource=Web
    A Measured Lead    2 hours    0 min    30 min    Conversion    60 min
    A Measured Lead    2 hours    0 min    90 min    Conversion    60 min
    A Measured Lead    2 min    0 min    never    nobody    60 min    LeadSource=Web
    A Measured Lead    40 min    0 min    never    nobody    60 min    OwnerId=${field}
    A Measured Lead    20 hours    0 min    never    nobody    60 min
    A Measured Lead    29 days    never    never    nobody    60 min
    ${untouched} =    A Measured Lead    2 hours    0 min    never    nobody    60 min
    ${answered} =    A Measured Lead    2 hours    0 min    5 min    Call    60 min
    ${name} =    A Queue Name
    ${queue} =    A New Queue    ${name}
    A Measured Lead    5 hours    never    50 min    Email    60 min    OwnerId=${queue}
    Older Leads
    Convert    ${untouched}
    Convert    ${answered}
    The Sidecar Has Seen Everything
    ${reports} =    Reports Of The Package
    VAR    &{REPORTS} =    &{reports}    scope=SUITE

Older Leads
    [Documentation]    Makes Leads of other weeks, one of them too old to be counted, where the org lets an
    ...    administrator set the date of creation (Set Audit Fields upon Record Creation).
    ${last_week} =    Ago    7 days
    ${allowed} =    Run Keyword And Return Status    A New Lead    CreatedDate=${last_week}
    IF    not ${allowed}
        Log    This org does not let us set CreatedDate: all Leads are of this week.    WARN
        RETURN
    END
    FOR    ${age}    IN    8 days    15 days    16 days    40 days
        ${created} =    Ago    ${age}
        A Measured Lead    ${age}    0 min    ${age}[:2] min    Call    7 min    CreatedDate=${created}
        A Measured Lead    ${age}    never    never    nobody    7 min    CreatedDate=${created}
    END

Report Says What The Records Say
    [Documentation]    Compares every total of one report, and returns how many Leads it counts.
    [Arguments]    ${name}
    ${count} =    Report Equals The Records    ${name}    ${REPORTS}[${name}]
    Should Be True    ${count} > 1    ${name} counts too few Leads to prove anything
    RETURN    ${count}

Delete The Leads And Let The Users Go
    [Documentation]    Leaves the org as it was.
    Delete Session Records
    Let Everybody Go
