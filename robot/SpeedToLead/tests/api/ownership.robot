*** Settings ***
Documentation     Who owns a Lead, and since when, is told apart from who answered it.

Library           robot/SpeedToLead/resources/People.py
Resource          robot/SpeedToLead/resources/SpeedToLead.resource

Suite Setup       Hire A Colleague And Make A Queue
Suite Teardown    Close The Queue And Let The Colleague Go
Test Teardown     Delete Session Records

Test Tags         feature:ownership


*** Test Cases ***
A Lead That Changes Hands Keeps Its Clock
    [Documentation]    The colleague who takes it over and answers is named; the clock runs from the start.
    ${lead} =    A New Lead
    ${created} =    Creation Of    ${lead}
    Lead Is Routed    ${lead}
    Hand Over    ${lead}    ${COLLEAGUE}
    ${task} =    A Completed Call On    ${lead}    OwnerId=${COLLEAGUE}
    ${completed} =    Completion Of    ${task}
    ${minutes} =    Minutes Between    ${created}    ${completed}
    Lead Should Say    ${lead}
    ...    First_Response_At__c=${completed}
    ...    First_Response_User__c=${COLLEAGUE}
    ...    Owner_Assigned_At__c=${created}
    ...    Time_to_First_Response__c=${minutes}

A Lead That Changes Hands After The Answer Keeps Its Stamp
    [Documentation]    A new owner of the Lead, or of the task, takes no credit.
    ${lead} =    A New Lead
    ${task} =    A Completed Call On    ${lead}
    ${completed} =    Completion Of    ${task}
    ${me} =    My Id
    Lead Should Say    ${lead}    First_Response_At__c=${completed}    First_Response_User__c=${me}
    Hand Over    ${lead}    ${COLLEAGUE}
    The Sidecar Has Seen Everything
    Lead Says    ${lead}
    ...    OwnerId=${COLLEAGUE}
    ...    First_Response_At__c=${completed}
    ...    First_Response_User__c=${me}

A Lead Goes From The Queue To A Person
    [Documentation]    Nobody is charged for the time in the queue: the assignment has its own instant.
    ${lead} =    A New Lead    OwnerId=${QUEUE}
    ${created} =    Creation Of    ${lead}
    Lead Is Routed    ${lead}
    Lead Says    ${lead}    Owner_Assigned_At__c=${None}    Assignment_Latency_Minutes__c=${None}
    ${before} =    Org Time
    Hand Over    ${lead}    ${COLLEAGUE}
    ${after} =    Org Time
    Wait Until Keyword Succeeds    ${PATIENCE}    ${EVERY}    Was Assigned Between    ${lead}    ${before}    ${after}
    &{now} =    Salesforce Get    Lead    ${lead}
    ${minutes} =    Minutes Between    ${created}    ${now}[Owner_Assigned_At__c]
    Lead Says    ${lead}    Assignment_Latency_Minutes__c=${minutes}

An Answer Counts While A Queue Owns The Lead
    [Documentation]    All of the time was the queue's; whoever answered is named.
    ${lead} =    A New Lead    OwnerId=${QUEUE}
    ${task} =    A Completed Call On    ${lead}    OwnerId=${COLLEAGUE}
    ${completed} =    Completion Of    ${task}
    Lead Should Say    ${lead}
    ...    First_Response_At__c=${completed}
    ...    First_Response_User__c=${COLLEAGUE}
    ...    Owner_Assigned_At__c=${None}


*** Keywords ***
Hire A Colleague And Make A Queue
    [Documentation]    Makes what the tests hand Leads over to.
    ${colleague} =    Hire    colleague    Standard User
    ${id} =    User Id Of    ${colleague}
    VAR    ${COLLEAGUE} =    ${id}    scope=SUITE
    ${name} =    A Queue Name
    ${queue} =    A New Queue    ${name}
    VAR    ${QUEUE} =    ${queue}    scope=SUITE

Close The Queue And Let The Colleague Go
    [Documentation]    Leaves nothing behind but an inactive user.
    Delete Session Records
    Let Everybody Go

Was Assigned Between
    [Documentation]    Fails unless a person has owned the Lead since an instant between these two.
    [Arguments]    ${lead}    ${before}    ${after}
    &{now} =    Salesforce Get    Lead    ${lead}
    Should Not Be Equal    ${now}[Owner_Assigned_At__c]    ${None}
    Should Be True    $before[:19] <= $now['Owner_Assigned_At__c'][:19] <= $after[:19]
