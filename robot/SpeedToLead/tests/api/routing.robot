*** Settings ***
Documentation     Each new Lead is routed once, by the policy, and says under which version.

Resource          robot/SpeedToLead/resources/SpeedToLead.resource

Suite Setup       Start The Sidecar
Suite Teardown    Stop The Sidecar
Test Teardown     Delete Session Records

Test Tags         api    feature:routing


*** Test Cases ***
A Lead Is Routed By The Policy
    [Documentation]    The Lead carries the version of the policy that routed it.
    ${lead} =    A New Lead    Country=Germany    NumberOfEmployees=${500}
    Lead Should Say    ${lead}    Policy_Version__c=1.0.0

A Lead From Nowhere Is Routed By The Fallback
    [Documentation]    The root of the policy takes what no other route takes.
    ${lead} =    A New Lead    Country=Elbonia
    Lead Should Say    ${lead}    Policy_Version__c=1.0.0

A Lead That A Person Owns Says Since When
    [Documentation]    The assignment latency runs from the creation of the Lead.
    ${lead} =    A New Lead
    &{now} =    Salesforce Get    Lead    ${lead}
    Lead Should Say    ${lead}    Owner_Assigned_At__c=${now}[CreatedDate]
