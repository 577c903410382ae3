*** Settings ***
Documentation     What each role of the package may see and do, tried as users of these roles. The users
...               log in by SOAP; an org that has that switched off skips the suite and says so.

Resource          robot/SpeedToLead/resources/People.resource
Resource          robot/SpeedToLead/resources/SpeedToLead.resource

Suite Setup       Hire The Roles
Suite Teardown    Let Everybody Go
Test Setup        A Routed Lead
Test Teardown     Delete Session Records

Test Tags         feature:permissions


*** Test Cases ***
An Analyst Sees Every Measure And Edits None
    [Documentation]    Reading is all that the role gives.
    @{measures} =    Measures Of The Package
    @{seen} =    Fields Seen By    ${ANALYST}    Lead
    @{edited} =    Fields Edited By    ${ANALYST}    Lead
    List Should Contain Sub List    ${seen}    ${measures}
    FOR    ${measure}    IN    @{measures}
        Should Not Contain    ${edited}    ${measure}
    END
    Read As    ${ANALYST}    Lead    ${LEAD}    @{measures}

An Analyst Is Refused A Stamp
    [Documentation]    Nobody improves a number by hand.
    Is Refused    INVALID_FIELD_FOR_INSERT_UPDATE
    ...    Change As    ${ANALYST}    Lead    ${LEAD}
    ...    First_Response_At__c=${CREATED}
    ...    First_Response_Source__c=Call
    Lead Should Be Unanswered    ${LEAD}

An Analyst Runs Every Report
    [Documentation]    The folder is shared, and every field in the reports is seen.
    &{reports} =    Reports Of The Package
    FOR    ${name}    ${id}    IN    &{reports}
        ${result} =    Run Report As    ${ANALYST}    ${id}
        Should Be True    $result['allData']    ${name} is not complete
    END

A Representative Does Not See The Measures
    [Documentation]    Without a permission set the fields do not exist: not to read, not to write.
    @{measures} =    Measures Of The Package
    @{seen} =    Fields Seen By    ${REP}    Lead
    FOR    ${measure}    IN    @{measures}
        Should Not Contain    ${seen}    ${measure}
    END
    Is Refused    INVALID_FIELD    Read As    ${REP}    Lead    ${LEAD}    First_Response_At__c
    Is Refused    INVALID_FIELD
    ...    Change As    ${REP}    Lead    ${LEAD}
    ...    First_Response_At__c=${CREATED}
    ...    First_Response_Source__c=Call

A Representative Answers As Ever
    [Documentation]    The package asks nothing of those who answer; their call is stamped in their name.
    ${task} =    Create As    ${REP}    Task
    ...    WhoId=${LEAD}
    ...    Subject=Call
    ...    TaskSubtype=Call
    ...    Status=Completed
    Store Session Record    Task    ${task}
    ${user} =    User Id Of    ${REP}
    Lead Should Say    ${LEAD}    First_Response_Source__c=Call    First_Response_User__c=${user}

The Sidecar's User Writes A Stamp And Moves It Earlier
    [Documentation]    That is what the role is for.
    ${later} =    Later By    ${CREATED}    1 minute
    Change As    ${SIDECAR}    Lead    ${LEAD}
    ...    First_Response_At__c=${later}
    ...    First_Response_Source__c=Email
    Lead Says    ${LEAD}    First_Response_At__c=${later}    Time_to_First_Response__c=1.0
    Change As    ${SIDECAR}    Lead    ${LEAD}
    ...    First_Response_At__c=${CREATED}
    ...    First_Response_Source__c=Call
    Lead Says    ${LEAD}    First_Response_At__c=${CREATED}    First_Response_Source__c=Call

The Sidecar's User Cannot Move A Stamp Later
    [Documentation]    The org itself compares: whoever is later loses, and clearing is later than all.
    ${later} =    Later By    ${CREATED}    1 minute
    Change As    ${SIDECAR}    Lead    ${LEAD}
    ...    First_Response_At__c=${CREATED}
    ...    First_Response_Source__c=Call
    Is Refused    STL-001    Change As    ${SIDECAR}    Lead    ${LEAD}    First_Response_At__c=${later}
    Is Refused    STL-001    Change As    ${SIDECAR}    Lead    ${LEAD}
    ...    First_Response_At__c=${None}
    ...    First_Response_Source__c=${None}
    Lead Says    ${LEAD}    First_Response_At__c=${CREATED}    First_Response_Source__c=Call

The Sidecar's User Cannot Write Half A Stamp
    [Documentation]    An instant without its source is no stamp, and the other way round.
    Is Refused    STL-002    Change As    ${SIDECAR}    Lead    ${LEAD}    First_Response_At__c=${CREATED}
    Is Refused    STL-002    Change As    ${SIDECAR}    Lead    ${LEAD}    First_Response_Source__c=Call
    Lead Should Be Unanswered    ${LEAD}

The Sidecar's User Cannot Write What Cannot Be
    [Documentation]    No response lies in the future, nor more than 30 days before its inquiry.
    ${now} =    Org Time
    FOR    ${base}    ${distance}    IN    ${now}    1 hour    ${CREATED}    -31 days
        ${instant} =    Later By    ${base}    ${distance}
        Is Refused    STL-003    Change As    ${SIDECAR}    Lead    ${LEAD}
        ...    First_Response_At__c=${instant}
        ...    First_Response_Source__c=Call
    END
    Lead Should Be Unanswered    ${LEAD}

The Sidecar's User Cannot Move An Assignment Later
    [Documentation]    The first owner stays the first.
    ${later} =    Later By    ${CREATED}    1 minute
    Is Refused    STL-004    Change As    ${SIDECAR}    Lead    ${LEAD}    Owner_Assigned_At__c=${later}
    Is Refused    STL-004    Change As    ${SIDECAR}    Lead    ${LEAD}    Owner_Assigned_At__c=${None}
    Lead Says    ${LEAD}    Owner_Assigned_At__c=${CREATED}

The Sidecar's User Changes And Deletes Nothing Else
    [Documentation]    Formulas are the org's, the rest of the Lead is the sales team's.
    Is Refused    INVALID_FIELD_FOR_INSERT_UPDATE
    ...    Change As    ${SIDECAR}    Lead    ${LEAD}    Time_to_First_Response__c=1
    Is Refused    INVALID_FIELD_FOR_INSERT_UPDATE
    ...    Change As    ${SIDECAR}    Lead    ${LEAD}    LeadSource=Web
    Is Refused    INSUFFICIENT_ACCESS    Delete As    ${SIDECAR}    Lead    ${LEAD}
    Lead Says    ${LEAD}    IsDeleted=${False}    LeadSource=${None}

An Administrator With The Override Corrects A Stamp
    [Documentation]    The permission Speed_to_Lead_Override lets a stamp move later, and be cleared.
    ${later} =    Later By    ${CREATED}    1 minute
    Salesforce Update    Lead    ${LEAD}
    ...    First_Response_At__c=${CREATED}
    ...    First_Response_Source__c=Call
    Salesforce Update    Lead    ${LEAD}    First_Response_At__c=${later}
    Lead Says    ${LEAD}    First_Response_At__c=${later}
    Salesforce Update    Lead    ${LEAD}
    ...    First_Response_At__c=${None}
    ...    First_Response_Source__c=${None}
    Lead Should Be Unanswered    ${LEAD}


*** Keywords ***
Hire The Roles
    [Documentation]    Makes an analyst, a representative without a role, and a user like the sidecar's.
    ${analyst} =    Hire    analyst    Standard User    Speed_to_Lead_Analyst
    ${rep} =    Hire    rep    Standard User
    ${sidecar} =    Hire    sidecar    Minimum Access - API Only Integrations    Speed_to_Lead_Sidecar
    Log Everybody In
    VAR    ${ANALYST} =    ${analyst}    scope=SUITE
    VAR    ${REP} =    ${rep}    scope=SUITE
    VAR    ${SIDECAR} =    ${sidecar}    scope=SUITE

A Routed Lead
    [Documentation]    Makes the Lead of the test; the sidecar has done with it what it does with all.
    ${lead} =    A New Lead
    ${created} =    Creation Of    ${lead}
    Lead Should Say    ${lead}    Owner_Assigned_At__c=${created}
    VAR    ${LEAD} =    ${lead}    scope=TEST
    VAR    ${CREATED} =    ${created}    scope=TEST
