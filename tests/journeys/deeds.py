"""What people do in the org: leads come in, are called, mailed and met, are converted and merged."""

from __future__ import annotations

from datetime import timedelta

from lxml import etree

from speed_to_lead.demo.plan import MONDAY
from speed_to_lead.errors import OrgUnavailable

FIVE = timedelta(minutes=5)
_ENVELOPE = """<?xml version="1.0" encoding="UTF-8"?>
<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns="urn:partner.soap.sforce.com"
 xmlns:o="urn:sobject.partner.soap.sforce.com" xmlns:x="http://www.w3.org/2001/XMLSchema-instance">
<e:Header><SessionHeader><sessionId>{token}</sessionId></SessionHeader></e:Header>
<e:Body>{body}</e:Body></e:Envelope>"""


def text(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def a_lead(scene, **fields):
    return scene.cast.system.create("Lead", LastName="Doe", Company="Acme", **fields)


def a_call(scene, lead, rep=0, status="Completed"):
    return scene.cast.reps[rep].create(
        "Task", WhoId=lead, Subject="Call", TaskSubtype="Call", CallType="Outbound", Status=status
    )


def a_mail(scene, lead, rep=0, **fields):
    writer = scene.cast.reps[rep]
    sent = {"Subject": "Hello", "Incoming": False, "Status": "3", **fields}
    mail = writer.create("EmailMessage", **sent)
    writer.create(
        "EmailMessageRelation", EmailMessageId=mail, RelationId=lead, RelationType="ToAddress"
    )
    return mail


def later(scene, span):
    scene.cast.admin.set_clock(MONDAY + span)


def stamp(scene, lead):
    now = scene.lead(lead)
    return (
        now["First_Response_At__c"],
        now["First_Response_Source__c"],
        now["First_Response_User__c"],
    )


def a_meeting(scene, lead, rep=0):
    """Book a meeting for the next day."""
    when = {"StartDateTime": text(MONDAY + timedelta(days=1)), "DurationInMinutes": 30}
    return scene.cast.reps[rep].create("Event", WhoId=lead, Subject="Meeting", **when)


def convert(scene, lead):
    """Convert a Lead as the administrator, and return the id of its Contact."""
    [status] = scene.cast.admin.query("SELECT MasterLabel FROM LeadStatus WHERE IsConverted = true")
    return partner(
        scene,
        f"<convertLead><leadConverts><convertedStatus>{status['MasterLabel']}</convertedStatus>"
        f"<doNotCreateOpportunity>true</doNotCreateOpportunity><leadId>{lead}</leadId>"
        f"<overwriteLeadSource>false</overwriteLeadSource><ownerId>{scene.cast.rep_ids[0]}</ownerId>"
        "<sendNotificationEmail>false</sendNotificationEmail></leadConverts></convertLead>",
        "contactId",
    )


def merge(scene, survivor, loser):
    """Merge a Lead into another one as the administrator."""
    return partner(
        scene,
        f'<merge><request><masterRecord x:type="o:sObject"><o:type>Lead</o:type><o:Id>{survivor}'
        f"</o:Id></masterRecord><recordToMergeIds>{loser}</recordToMergeIds></request></merge>",
        "id",
    )


def partner(scene, body, wanted):
    """Call the partner API as the administrator, and return the text of one element."""
    token = scene.cast.admin.headers["Authorization"].removeprefix("Bearer ")
    answer = scene.http.post(
        f"{scene.org.instance_url}/services/Soap/u/64.0",
        content=_ENVELOPE.format(token=token, body=body),
        headers={"Content-Type": "text/xml", "SOAPAction": '""'},
    )
    if b"<success>true</success>" not in answer.content:
        raise OrgUnavailable(answer.text)
    [found] = etree.fromstring(answer.content).iter(f"{{*}}{wanted}")
    return found.text
