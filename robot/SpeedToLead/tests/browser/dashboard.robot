*** Settings ***
Documentation     What people see of the package in Lightning. For real scratch orgs alone: the local org
...               has no pages. Needs ``pip install robotframework-browser`` and ``rfbrowser init``.

Library           cumulusci.robotframework.SalesforcePlaywright
Resource          cumulusci/robotframework/Salesforce.robot

Suite Setup       Open Test Browser
Suite Teardown    Delete Records And Close Browser

Test Tags         browser


*** Test Cases ***
The Dashboard Opens With Every Component
    [Documentation]    A component whose report is broken shows an error in place of its chart.
    ${id} =    Id Of    Dashboard    Sales_Ops_KPIs
    Open    /lightning/r/Dashboard/${id}/view
    Wait For Elements State    iframe >>> text=Median minutes to first response    visible    timeout=60s
    Get Element Count    iframe >>> text=We can't draw this chart    ==    0

The List Of Waiting Leads Opens
    [Documentation]    The view is there for everybody who sees Leads.
    Open    /lightning/o/Lead/list?filterName=Leads_Waiting_for_First_Response
    Wait For Elements State    text=Waiting for a first response >> nth=0    visible    timeout=60s


*** Keywords ***
Open
    [Documentation]    Goes to a page of the org and waits until Lightning has drawn it.
    [Arguments]    ${path}
    ${here} =    Get Url
    ${base} =    Evaluate    '/'.join($here.split('/')[:3])
    Go To    ${base}${path}
    Wait Until Salesforce Is Ready

Id Of
    [Documentation]    Returns the id of a component by its developer name.
    [Arguments]    ${entity}    ${name}
    @{rows} =    Salesforce Query    ${entity}    select=Id    DeveloperName=${name}
    RETURN    ${rows}[0][Id]
