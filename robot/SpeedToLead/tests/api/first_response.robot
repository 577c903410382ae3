*** Settings ***
Documentation     A Lead carries the time, person and source of its first human response.

Resource          robot/SpeedToLead/resources/SpeedToLead.resource

Suite Setup       Start The Sidecar
Suite Teardown    Stop The Sidecar
Test Teardown     Delete Session Records

Test Tags         api    feature:first-response


*** Test Cases ***
A Completed Call Is A First Response
    [Documentation]    The sidecar stamps the Lead when a representative logs a call.
    ${lead} =    A New Lead
    ${task} =    A Completed Call On    ${lead}
    &{call} =    Salesforce Get    Task    ${task}
    Lead Should Say    ${lead}
    ...    First_Response_Source__c=Call
    ...    First_Response_At__c=${call}[CompletedDateTime]
    ...    First_Response_User__c=${call}[OwnerId]

A Call Counts When It Is Closed
    [Documentation]    A planned call is no response; the same call is one when it is done.
    ${lead} =    A New Lead
    ${task} =    An Open Call On    ${lead}
    Lead Is Routed    ${lead}
    Lead Says    ${lead}    First_Response_At__c=${None}
    Salesforce Update    Task    ${task}    Status=Completed
    Lead Should Say    ${lead}    First_Response_Source__c=Call

A Sent Email Is A First Response
    [Documentation]    The link is a relation of the mail, which no change event tells.
    ${lead} =    A New Lead
    An Email To    ${lead}
    Lead Should Say    ${lead}    First_Response_Source__c=Email

A Later Call Leaves The Stamp Alone
    [Documentation]    Only an earlier response may replace what is stamped.
    ${lead} =    A New Lead
    ${earlier} =    Shortly Before    ${lead}
    An Email To    ${lead}    MessageDate=${earlier}
    Lead Should Say    ${lead}    First_Response_Source__c=Email
    A Completed Call On    ${lead}
    ${next} =    A New Lead
    Lead Is Routed    ${next}
    Lead Says    ${lead}    First_Response_Source__c=Email

An Inbound Email Is No Response
    [Documentation]    The prospect's own mail never counts.
    ${lead} =    A New Lead
    An Inbound Email From    ${lead}
    ${next} =    A New Lead
    Lead Is Routed    ${next}
    Lead Says    ${lead}    First_Response_At__c=${None}

A Draft Is No Response
    [Documentation]    A mail that was not sent never counts.
    ${lead} =    A New Lead
    An Email To    ${lead}    Status=5
    ${next} =    A New Lead
    Lead Is Routed    ${next}
    Lead Says    ${lead}    First_Response_At__c=${None}

An Earlier Email That Arrives Late Takes The Stamp
    [Documentation]    Times decide, not the order of arrival.
    ${lead} =    A New Lead
    A Completed Call On    ${lead}
    Lead Should Say    ${lead}    First_Response_Source__c=Call
    ${earlier} =    Shortly Before    ${lead}
    An Email To    ${lead}    MessageDate=${earlier}
    Lead Should Say    ${lead}
    ...    First_Response_Source__c=Email
    ...    First_Response_At__c=${earlier}
