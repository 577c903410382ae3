*** Settings ***
Documentation    A Lead carries the time, person and source of its first human response.

Resource         robot/SpeedToLead/resources/SpeedToLead.resource

Test Teardown    Delete Session Records

Test Tags        feature:first-response


*** Test Cases ***
A Completed Call Is A First Response
    [Documentation]    The sidecar stamps the Lead when a representative logs a call.
    ${lead} =    A New Lead
    ${task} =    A Completed Call On    ${lead}
    &{call} =    Salesforce Get    Task    ${task}
    ${created} =    Creation Of    ${lead}
    ${minutes} =    Minutes Between    ${created}    ${call}[CompletedDateTime]
    Lead Should Say    ${lead}
    ...    First_Response_Source__c=Call
    ...    First_Response_At__c=${call}[CompletedDateTime]
    ...    First_Response_User__c=${call}[OwnerId]
    ...    Time_to_First_Response__c=${minutes}

A Call Counts When It Is Closed
    [Documentation]    A planned call is no response; the same call is one when it is done.
    ${lead} =    A New Lead
    ${task} =    An Open Call On    ${lead}
    The Sidecar Has Seen Everything
    Lead Should Be Unanswered    ${lead}
    The Sidecar Rejects    ${lead}    ${task}    OPEN_TASK
    Salesforce Update    Task    ${task}    Status=Completed
    ${completed} =    Completion Of    ${task}
    Lead Should Say    ${lead}    First_Response_Source__c=Call    First_Response_At__c=${completed}

A Sent Email Is A First Response
    [Documentation]    Its link to the Lead is a relation of the mail, which no change event tells.
    ${lead} =    A New Lead
    ${mail} =    An Email To    ${lead}
    &{sent} =    Salesforce Get    EmailMessage    ${mail}
    Lead Should Say    ${lead}
    ...    First_Response_Source__c=Email
    ...    First_Response_At__c=${sent}[MessageDate]
    ...    First_Response_User__c=${sent}[CreatedById]

An Email Counts Though Its Link Comes Later
    [Documentation]    A mail that belongs to nobody yet is looked at again.
    ${lead} =    A New Lead
    An Email That Is Linked Later To    ${lead}
    Lead Should Say    ${lead}    First_Response_Source__c=Email

An Email And Its Task Are One Touch
    [Documentation]    Enhanced Email keeps a mail twice, as a message and as a task; the message counts.
    ${lead} =    A New Lead
    ${earlier} =    Shortly Before    ${lead}
    ${mail} =    An Email To    ${lead}    MessageDate=${earlier}
    Task Behind    ${mail}
    Lead Should Say    ${lead}    First_Response_Source__c=Email    First_Response_At__c=${earlier}
    The Sidecar Has Seen Everything
    The Sidecar Counts    ${lead}    ${mail}

A Later Call Leaves The Stamp Alone
    [Documentation]    Only an earlier response may replace what is stamped.
    ${lead} =    A New Lead
    ${earlier} =    Shortly Before    ${lead}
    ${mail} =    An Email To    ${lead}    MessageDate=${earlier}
    Lead Should Say    ${lead}    First_Response_Source__c=Email
    ${task} =    A Completed Call On    ${lead}
    The Sidecar Has Seen Everything
    Lead Says    ${lead}    First_Response_Source__c=Email    First_Response_At__c=${earlier}
    The Sidecar Counts    ${lead}    ${mail}    ${task}

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
    ...    Time_to_First_Response__c=0.0
