*** Settings ***
Documentation    Each new Lead is routed once, by the policy, and says under which version.

Resource         robot/SpeedToLead/resources/SpeedToLead.resource

Test Teardown    Delete Session Records

Test Tags        feature:routing


*** Test Cases ***
A Lead Is Routed By The Policy
    [Documentation]    The Lead carries the version of the policy that routed it, and the sidecar the route.
    ${lead} =    A New Lead    Country=Germany    NumberOfEmployees=${500}
    Lead Should Say    ${lead}    Policy_Version__c=1.0.0
    The Sidecar Went By    ${lead}    Europe

A Lead From Nowhere Is Routed By The Fallback
    [Documentation]    The root of the policy takes what no other route takes.
    ${lead} =    A New Lead    Country=Elbonia
    Lead Should Say    ${lead}    Policy_Version__c=1.0.0
    The Sidecar Went By    ${lead}    Everything else

A Lead Says By When It Is Due
    [Documentation]    The deadline is the target of its segment, from the start of its clock.
    ${lead} =    A New Lead    NumberOfEmployees=${500}
    ${created} =    Creation Of    ${lead}
    ${due} =    Later By    ${created}    120 minutes
    Lead Should Say    ${lead}    Response_Segment__c=MM    Response_Due_At__c=${due}

A Lead That A Person Owns Says Since When
    [Documentation]    The assignment latency runs from the creation of the Lead.
    ${lead} =    A New Lead
    ${created} =    Creation Of    ${lead}
    Lead Should Say    ${lead}    Owner_Assigned_At__c=${created}    Assignment_Latency_Minutes__c=0.0
