*** Settings ***
Documentation    What never counts as a first response, and the one reason that each record keeps.

Resource         robot/SpeedToLead/resources/SpeedToLead.resource

Test Setup       A Lead Waits
Test Teardown    Delete Session Records
Test Template    Is No Response

Test Tags        feature:first-response


*** Test Cases ***    DOING    REASON
An Inbound Email Is No Response
    [Documentation]    The prospect's own mail never counts.
    An Inbound Email About    INBOUND_MAIL
A Draft Is No Response
    [Documentation]    A mail that was not sent never counts.
    An Email To    MAIL_NOT_SENT    Status=5
An Automatic Reply Is No Response
    [Documentation]    A machine wrote it, as the policy knows by its subject.
    An Email To    AUTO_SUBJECT    Subject=Automatic reply: Your inquiry
A Plain Task Is No Response
    [Documentation]    A to-do that somebody ticked off reached nobody.
    A Completed Task On    PLAIN_TASK
An Inbound Call Is No Response
    [Documentation]    The prospect called, and not we.
    A Completed Call On    INBOUND_CALL    CallType=Inbound
An Internal Call Is No Response
    [Documentation]    Colleagues spoke with each other.
    A Completed Call On    INTERNAL_CALL    CallType=Internal


*** Keywords ***
A Lead Waits
    [Documentation]    Makes the Lead of the test.
    ${lead} =    A New Lead
    VAR    ${LEAD} =    ${lead}    scope=TEST

Is No Response
    [Documentation]    Does something about the Lead and expects it to stay unanswered, for this reason.
    [Arguments]    ${doing}    ${reason}    &{fields}
    ${record} =    Run Keyword    ${doing}    ${LEAD}    &{fields}
    The Sidecar Has Seen Everything
    Lead Should Be Unanswered    ${LEAD}
    The Sidecar Rejects    ${LEAD}    ${record}    ${reason}
