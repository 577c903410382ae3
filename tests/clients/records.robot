*** Settings ***
Documentation    Every keyword of CumulusCI's SalesforceAPI library that needs no record type.

Library          Collections
Resource         cumulusci/robotframework/Salesforce.robot
Suite Setup      Log    no browser
Test Teardown    Delete Session Records


*** Test Cases ***
A Record Is Found As It Was Changed
    [Documentation]    Text arguments become what their fields take.
    ${id} =    Salesforce Insert    Lead    LastName=Robot    Company=ACME    NumberOfEmployees=5
    &{lead} =    Salesforce Get    Lead    ${id}
    Should Be Equal    ${lead}[NumberOfEmployees]    ${5}
    ${status} =    Salesforce Update    Lead    ${id}    LastName=Robot2
    Should Be Equal As Integers    ${status}    204
    ${found} =    Salesforce Query    Lead    select=Id,LastName    LastName=Robot2
    Length Should Be    ${found}    1
    ${soql} =    SOQL Query    SELECT Id, LastName    FROM Lead    WHERE Id = '${id}'
    Should Be Equal    ${soql}[records][0][LastName]    Robot2

A Deleted Record Is Not Found
    [Documentation]    Conditions, order and limit are those of the keyword's own words.
    ${id} =    Salesforce Insert    Lead    LastName=Robot    Company=ACME
    Salesforce Delete    Lead    ${id}
    ${gone} =    Salesforce Query    Lead    where=Id = '${id}'    order_by=LastName desc    limit=1
    Should Be Empty    ${gone}

Records Are Made And Changed Together
    [Documentation]    Two hundred at once, numbered, and changed by the ids that came back.
    @{leads} =    Generate Test Data    Lead    200    LastName=N{{number}}    Company=Together
    ${leads} =    Salesforce Collection Insert    ${leads}
    FOR    ${lead}    IN    @{leads}
        Set To Dictionary    ${lead}    City    Rome
    END
    Salesforce Collection Update    ${leads}
    ${found} =    Salesforce Query    Lead    Company=Together    City=Rome
    Length Should Be    ${found}    200

One Record That Is Refused Refuses Them All
    [Documentation]    The keyword names what is wrong, and nothing is left.
    @{leads} =    Generate Test Data    Lead    2    LastName=N    Company=Refused
    Set To Dictionary    ${leads}[1]    Email    nowhere
    Run Keyword And Expect Error    *    Salesforce Collection Insert    ${leads}
    ${found} =    Salesforce Query    Lead    Company=Refused
    Should Be Empty    ${found}

A Teardown Has Deleted What The Tests Made
    [Documentation]    The records of the tests before are gone.
    ${left} =    SOQL Query    SELECT COUNT() FROM Lead WHERE Company IN ('ACME', 'Together')
    Should Be Equal    ${left}[totalSize]    ${0}

The Org Tells About Itself
    [Documentation]    Versions and the org's own facts are at hand.
    ${version} =    Get Latest Api Version
    Should Match Regexp    ${version}    ^\\d+\\.0$
    &{org} =    Get Org Info
    Should Match Regexp    ${org}[id]    /id/00D\\w{15}/005\\w{15}$
