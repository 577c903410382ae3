*** Settings ***
Documentation     A new version of the policy holds for what comes from then on.

Library           robot/SpeedToLead/resources/Policies.py
Resource          robot/SpeedToLead/resources/SpeedToLead.resource

Suite Setup       A Lead Comes And Then The Policy Changes
Suite Teardown    The Usual Policy Returns
Test Teardown     Delete Session Records

Test Tags         feature:policy


*** Test Cases ***
A Lead That Came Before Keeps Its Owner And Its Deadline
    [Documentation]    It was promised an answer in two hours, and nothing routes it again.
    The Sidecar Has Seen Everything
    Lead Says    ${OLD LEAD}
    ...    Policy_Version__c=1.0.0
    ...    OwnerId=${ME}
    ...    Response_Due_At__c=${DUE}

A Lead That Comes Now Goes By The New Policy
    [Documentation]    The same Lead would go to a queue and have half an hour.
    ${lead} =    A New Lead    Country=Germany    NumberOfEmployees=${500}
    ${created} =    Creation Of    ${lead}
    ${due} =    Later By    ${created}    30 minutes
    Lead Should Say    ${lead}
    ...    Policy_Version__c=2.0.0
    ...    OwnerId=${QUEUE}
    ...    Response_Due_At__c=${due}

A Mail Sent At Once Is An Automatic Reply From Now On
    [Documentation]    The new policy calls a mail of the first ten seconds automatic, where the user who
    ...    made the Lead has sent it.
    ${lead} =    A New Lead
    ${created} =    Creation Of    ${lead}
    ${mail} =    An Email To    ${lead}    MessageDate=${created}
    The Sidecar Has Seen Everything
    Lead Should Be Unanswered    ${lead}
    The Sidecar Rejects    ${lead}    ${mail}    AUTO_REPLY_FAST

An Answer To An Old Lead Is Judged By The New Policy
    [Documentation]    The Lead says which version has judged its response; its deadline stays.
    A Completed Call On    ${OLD LEAD}
    Lead Should Say    ${OLD LEAD}
    ...    First_Response_Source__c=Call
    ...    Policy_Version__c=2.0.0
    ...    Response_Due_At__c=${DUE}


*** Keywords ***
A Lead Comes And Then The Policy Changes
    [Documentation]    Europe goes to a queue and must be answered sooner, and fast mails are automatic.
    ${lead} =    A New Lead    Country=Germany    NumberOfEmployees=${500}
    Lead Should Say    ${lead}    Policy_Version__c=1.0.0
    ${created} =    Creation Of    ${lead}
    ${due} =    Later By    ${created}    120 minutes
    ${me} =    My Id
    ${name} =    A Queue Name
    ${queue} =    A New Queue    ${name}
    ${policy} =    A Policy Like    ${POLICY}    ${OUTPUT DIR}/policy-2.0.0.json
    ...    version="2.0.0"
    ...    routes.routes.0.owner={"queue": "${name}"}
    ...    sla.MM.target_minutes=30
    ...    response.auto_reply_seconds=10
    VAR    ${OLD LEAD} =    ${lead}    scope=SUITE
    VAR    ${DUE} =    ${due}    scope=SUITE
    VAR    ${ME} =    ${me}    scope=SUITE
    VAR    ${QUEUE} =    ${queue}    scope=SUITE
    The Sidecar Changes To    ${policy}

The Usual Policy Returns
    [Documentation]    Leaves the sidecar and the org as the other suites expect them.
    The Sidecar Changes To    ${POLICY}
    Delete Session Records
