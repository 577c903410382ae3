"""Calls of the Partner API that do more than write: convert, merge, send.

Source: SOAP API Developer Guide, "convertLead()", "merge()", "sendEmail()".
"""

from __future__ import annotations

from typing import Final

from lxml import etree

from local_org.api.partner_call import Call, Operation, truth
from local_org.api.partner_records import take_id
from local_org.api.partner_sobjects import errors_xml, nil, record_of
from local_org.api.soap import elements
from local_org.errors import OrgError
from local_org.org import SaveResult
from local_org.org.actions import LeadConvert, MergeRequest, OutgoingEmail
from local_org.records.results import ConvertResult, MergeResult

_MOST_CONVERSIONS: Final = 100
_XSI_TYPE: Final = "{http://www.w3.org/2001/XMLSchema-instance}type"


def _convert_lead(call: Call) -> str:
    requests = [_lead_convert(each) for each in call.each("leadConverts")]
    if len(requests) > _MOST_CONVERSIONS:
        text = f"record limit reached. cannot submit more than {_MOST_CONVERSIONS} records into this call"
        raise OrgError("EXCEEDED_ID_LIMIT", text)
    results = call.org.actions.convert(call.session, requests, all_or_none=call.all_or_none)
    return "".join(map(_convert_xml, requests, results))


def _lead_convert(element: etree._Element) -> LeadConvert:
    def text(name: str) -> str | None:
        return (element.findtext(f"{{*}}{name}") or "").strip() or None

    return LeadConvert(
        lead_id=text("leadId") or "",
        status=text("convertedStatus") or "",
        account_id=text("accountId"),
        contact_id=text("contactId"),
        opportunity_id=text("opportunityId"),
        owner_id=text("ownerId"),
        opportunity_name=text("opportunityName"),
        with_opportunity=not truth(text("doNotCreateOpportunity")),
        overwrite_lead_source=truth(text("overwriteLeadSource")),
    )


def _convert_xml(request: LeadConvert, result: SaveResult) -> str:
    made = result if isinstance(result, ConvertResult) else None
    ids = {
        "accountId": made.account_id if made else None,
        "contactId": made.contact_id if made else None,
        "leadId": (made.id if made else request.lead_id) or None,
        "opportunityId": made.opportunity_id if made else None,
        "relatedPersonAccountId": None,
    }
    told = {
        name: nil(name) if value is None else elements(name, value) for name, value in ids.items()
    }
    parts = (
        told["accountId"],
        told["contactId"],
        errors_xml(result),
        told["leadId"],
        told["opportunityId"],
        told["relatedPersonAccountId"],
        elements("success", result.success),
    )
    return f"<result>{''.join(parts)}</result>"


def _merge(call: Call) -> str:
    requests = [_merge_request(each) for each in call.each("request")]
    results = call.org.actions.merge(call.session, requests, all_or_none=call.all_or_none)
    return "".join(map(_merge_xml, results))


def _merge_request(element: etree._Element) -> MergeRequest:
    master = element.find("{*}masterRecord")
    if master is None:
        raise OrgError("MISSING_ARGUMENT", "masterRecord not specified")
    entity, values = record_of(master)
    losers = tuple((e.text or "").strip() for e in element.iterfind("{*}recordToMergeIds"))
    return MergeRequest(entity, take_id(values), losers, values)


def _merge_xml(result: SaveResult) -> str:
    done = result if isinstance(result, MergeResult) else MergeResult(False, None)
    parts = (
        errors_xml(result),
        nil("id") if result.id is None else elements("id", result.id),
        elements("mergedRecordIds", done.merged_ids),
        elements("success", result.success),
        elements("updatedRelatedIds", done.updated_related_ids),
    )
    return f"<result>{''.join(parts)}</result>"


def _send_email(call: Call) -> str:
    emails = [_email(each) for each in call.each("messages")]
    results = call.org.actions.send(call.session, emails, all_or_none=call.all_or_none)
    return "".join(
        f"<result>{errors_xml(each, nil('targetObjectId'))}"
        f"{elements('success', each.success)}</result>"
        for each in results
    )


def _email(element: etree._Element) -> OutgoingEmail:
    """Read a ``SingleEmailMessage``.

    :raises OrgError: it is for many people, is made of a template, or would be an activity of a
        user: a user has none.
    """
    if (element.get(_XSI_TYPE) or "").rpartition(":")[2] == "MassEmailMessage":
        raise OrgError("NO_MASS_MAIL_PERMISSION", "Mass email is not enabled for this organization")

    def texts(name: str) -> tuple[str, ...]:
        found = ((e.text or "").strip() for e in element.iterfind(f"{{*}}{name}"))
        return tuple(filter(None, found))

    def text(name: str) -> str:
        return next(iter(texts(name)), "")

    if text("templateId"):
        raise OrgError("INVALID_ID_FIELD", f"Invalid template ID: {text('templateId')}")
    target, about = texts("targetObjectId"), text("whatId")
    kept = truth(text("saveAsActivity"), default=True)
    if kept and text("targetObjectId").startswith("005"):
        message = "saveAsActivity must be false when sending mail to users."
        raise OrgError("INVALID_SAVE_AS_ACTIVITY_FLAG", message)
    return OutgoingEmail(
        subject=text("subject"),
        text=text("plainTextBody"),
        html=text("htmlBody"),
        to=(*target, *texts("toAddresses")),
        cc=texts("ccAddresses"),
        bcc=texts("bccAddresses"),
        related_to=about or None,
        logged=kept and bool(target or about),
    )


OPERATIONS: Final[dict[str, Operation]] = {
    "convertLead": _convert_lead,
    "merge": _merge,
    "sendEmail": _send_email,
}
