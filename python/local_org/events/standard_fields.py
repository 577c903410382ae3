"""Standard fields of the change events whose order is documented, with the kind of each.

A field stands here even when a describe does not show it: an event's schema lists invisible fields,
and every bit of a mask depends on their number. Source: facts/pubsub-cdc.md 2.3.
"""

from __future__ import annotations

LEAD = """
Name:PersonName Title:Text Company:Text Address:Address Phone:Phone MobilePhone:Phone Fax:Phone
Email:Email Website:Url Description:StringPlusClob LeadSource:DynamicEnum Status:DynamicEnum
Industry:DynamicEnum Rating:DynamicEnum AnnualRevenue:Currency NumberOfEmployees:Integer
OwnerId:EntityId HasOptedOutOfEmail:Boolean IsConverted:Boolean ConvertedDate:DateOnly
ConvertedAccountId:EntityId ConvertedContactId:EntityId ConvertedOpportunityId:EntityId
IsUnreadByOwner:Boolean CreatedDate:CreatedDate CreatedById:EntityId LastModifiedDate:DateTime
LastModifiedById:EntityId DoNotCall:Boolean HasOptedOutOfFax:Boolean LastTransferDate:DateOnly
Jigsaw:Text JigsawContactId:Text CleanStatus:StaticEnum CompanyDunsNumber:Text
DandbCompanyId:EntityId EmailBouncedReason:Text EmailBouncedDate:DateTime IndividualId:EntityId
Pronouns:DynamicEnum GenderIdentity:DynamicEnum
"""

TASK = """
WhoId:EntityId WhatId:EntityId Subject:Text ActivityDate:DateOnly Status:DynamicEnum
Priority:DynamicEnum OwnerId:EntityId Description:StringPlusClob AccountId:EntityId IsClosed:Boolean
CreatedDate:CreatedDate CreatedById:EntityId LastModifiedDate:DateTime LastModifiedById:EntityId
CallDurationInSeconds:Integer CallType:StaticEnum CallDisposition:Text CallObject:Text
RecurrenceActivityId:EntityId RecurrenceStartDateOnly:DateOnly RecurrenceEndDateOnly:DateOnly
RecurrenceTimeZoneSidKey:StaticEnum RecurrenceType:StaticEnum RecurrenceInterval:Integer
RecurrenceDayOfWeekMask:Integer RecurrenceDayOfMonth:Integer RecurrenceInstance:StaticEnum
RecurrenceMonthOfYear:StaticEnum RecurrenceRegeneratedType:StaticEnum TaskSubtype:StaticEnum
CompletedDateTime:DateTime Type?:DynamicEnum
"""
"""``Type?``: only where the object has it."""

EMAIL_MESSAGE = """
ParentId:EntityId ActivityId:EntityId CreatedById:EntityId CreatedDate:CreatedDate
LastModifiedDate:DateTime LastModifiedById:EntityId TextBody:StringPlusClob HtmlBody:StringPlusClob
Headers:StringPlusClob Subject:Text FromName:Text FromAddress:Email ToAddress:Text CcAddress:Text
BccAddress:Text Incoming:Boolean HasAttachment:Boolean Status:StaticEnum MessageDate:DateTime
ReplyToEmailMessageId:EntityId IsExternallyVisible:Boolean MessageIdentifier:Text
ThreadIdentifier:Text IsClientManaged:Boolean RelatedToId:EntityId IsTracked:Boolean
FirstOpenedDate:DateTime LastOpenedDate:DateTime IsBounced:Boolean EmailTemplateId:EntityId
"""


def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, kind) for name, _, kind in (word.partition(":") for word in text.split()))


DOCUMENTED = {"Lead": _pairs(LEAD), "Task": _pairs(TASK), "EmailMessage": _pairs(EMAIL_MESSAGE)}
"""Object name → (field, kind) in the order of its change event."""
