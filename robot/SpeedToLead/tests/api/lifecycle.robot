*** Settings ***
Documentation    What is stamped outlives its evidence: deleted, converted and merged records.

Resource         robot/SpeedToLead/resources/SpeedToLead.resource

Test Teardown    Delete Session Records

Test Tags        feature:lifecycle


*** Test Cases ***
A Response That Is Deleted Leaves The Stamp
    [Documentation]    Nothing counts any more for the sidecar, but a stamp never moves later by itself.
    ${lead} =    A New Lead
    ${task} =    A Completed Call On    ${lead}
    ${completed} =    Completion Of    ${task}
    Lead Should Say    ${lead}    First_Response_At__c=${completed}
    Salesforce Delete    Task    ${task}
    The Sidecar Has Seen Everything
    The Sidecar Counts    ${lead}
    Lead Says    ${lead}    First_Response_Source__c=Call    First_Response_At__c=${completed}

A Converted Lead Keeps Its First Response
    [Documentation]    It was stamped before, and its record cannot be written after.
    ${lead} =    A New Lead
    ${earlier} =    Shortly Before    ${lead}
    An Email To    ${lead}    MessageDate=${earlier}
    Lead Should Say    ${lead}    First_Response_At__c=${earlier}
    Convert    ${lead}
    The Sidecar Has Seen Everything
    Lead Says    ${lead}
    ...    IsConverted=${True}
    ...    First_Response_Source__c=Email
    ...    First_Response_At__c=${earlier}
    ...    Minutes_Waiting__c=${None}

A Call On The Contact Is No Response To The Converted Lead
    [Documentation]    The conversion ends the wait and counts as such; what comes after it is the Contact's. Whether the
    ...    converted Lead can be written depends on the user; the sidecar's own memory does not.
    ${lead} =    A New Lead
    Lead Is Routed    ${lead}
    ${contact} =    Convert    ${lead}
    ${converted} =    Org Time
    Wait Until Keyword Succeeds    ${PATIENCE}    ${EVERY}    It Is Later Than    ${converted}
    A Completed Call On    ${contact}
    The Sidecar Has Seen Everything
    The Sidecar Counts    ${lead}    ${lead}
    Lead Says    ${lead}    Answered__c=0.0

The Lead That Stays After A Merge Takes The Earlier Response
    [Documentation]    It takes the earlier clock of both, too.
    ${goes} =    A New Lead
    ${earlier} =    Shortly Before    ${goes}
    An Email To    ${goes}    MessageDate=${earlier}
    Lead Should Say    ${goes}    First_Response_Source__c=Email
    ${stays} =    A New Lead
    A Completed Call On    ${stays}
    Lead Should Say    ${stays}    First_Response_Source__c=Call
    Merge Leads    ${stays}    ${goes}
    Lead Should Say    ${stays}    First_Response_Source__c=Email    First_Response_At__c=${earlier}

The Lead That Stays After A Merge Keeps Its Earlier Response
    [Documentation]    The other Lead was answered later; its call moves over and changes nothing.
    ${stays} =    A New Lead
    ${earlier} =    Shortly Before    ${stays}
    An Email To    ${stays}    MessageDate=${earlier}
    ${goes} =    A New Lead
    ${task} =    A Completed Call On    ${goes}
    Lead Should Say    ${stays}    First_Response_Source__c=Email
    Lead Should Say    ${goes}    First_Response_Source__c=Call
    Merge Leads    ${stays}    ${goes}
    &{call} =    Salesforce Get    Task    ${task}
    Should Be Equal    ${call}[WhoId]    ${stays}
    A Completed Call On    ${stays}
    The Sidecar Has Seen Everything
    Lead Says    ${stays}    First_Response_Source__c=Email    First_Response_At__c=${earlier}
