"""The APIs of the local org: which test files tell of them, and what they lack."""

from __future__ import annotations

from tests.local_org.coverage import Api

_NO_RESOURCE = "404 `NOT_FOUND`"
_NO_TYPE = "400 `INVALID_TYPE`"

APIS: dict[str, Api] = {
    "Signing in": Api(("test_oauth", "test_oauth_apps")),
    "REST API": Api(
        (
            "test_rest",
            "test_rest_conditions",
            "test_rest_list_views",
            "test_rest_passwords",
            "test_rest_recent",
            "test_rest_relationships",
            "test_rest_search",
            "test_http",
            "test_describe_urls",
        ),
        absent=(
            ("Approvals, Chatter, Connect, UI API", _NO_RESOURCE),
            ("Files (`ContentVersion`) and attachments", _NO_TYPE),
        ),
    ),
    "Composite resources": Api(("test_composite", "test_composite_graph", "test_rest_collections")),
    "Bulk API": Api(("test_bulk", "test_bulk_chunks", "test_bulk_types", "test_bulk2")),
    "SOQL": Api(
        (
            "test_soql_parser",
            "test_soql_run",
            "test_soql_rollup",
            "test_soql_errors",
            "test_soql_rules",
            "test_soql_semi_joins",
            "test_soql_oracle",
            "test_soql_fuzz",
            "test_soql_clients",
        ),
        absent=(("`WITH DATA CATEGORY`", "the org has no data categories"),),
    ),
    "Formulas": Api(("test_formula_corpus", "test_formula_functions", "test_formula_fields")),
    "Records": Api(
        (
            "test_dml",
            "test_dml_special",
            "test_dml_transactions",
            "test_email_action",
            "test_lead_conversion",
            "test_lead_merge",
            "test_recycle_bin",
            "test_seed",
            "test_store",
        ),
        absent=(
            ("Apex triggers, flows, workflow, assignment rules", "they are stored and never run"),
            ("Multiple currencies, territories, person accounts", _NO_TYPE),
        ),
    ),
    "Permissions": Api(
        ("test_permissions", "test_sharing"),
        absent=(("Sharing rules and manual shares", _NO_TYPE),),
    ),
    "Partner SOAP API": Api(
        ("test_partner_soap", "test_partner_soap_fuzz"),
        absent=(
            ("`search`, `process`, describes of layouts and themes", "a fault: no such operation"),
            ("Mass e-mail, e-mail templates", "`NO_MASS_MAIL_PERMISSION`, `INVALID_ID_FIELD`"),
        ),
    ),
    "Invocable actions": Api(("test_email_rest",), absent=(("Other actions", _NO_RESOURCE),)),
    "Change events and the Pub/Sub API": Api(
        (
            "test_bitmap",
            "test_bus",
            "test_change_event_encode",
            "test_change_event_schema",
            "test_platform_events",
            "test_pubsub_compose",
            "test_pubsub_filters",
            "test_pubsub_managed",
            "test_pubsub_schemas",
            "test_pubsub_server",
            "test_pubsub_streams",
        ),
        absent=(
            ("Channels of platform events (`channelType` event)", "the deploy fails and says so"),
            ("CometD streaming", _NO_RESOURCE),
        ),
    ),
    "Metadata API": Api(
        (
            "test_deploy",
            "test_deploy_faults",
            "test_deploy_fuzz",
            "test_deploy_objects",
            "test_deploy_stored",
            "test_deploy_zip",
            "test_removal",
            "test_metadata_crud",
            "test_metadata_rest",
            "test_metadata_soap",
            "test_retrieve",
        ),
        partly=(
            ("Settings", "they are kept and retrieved; none changes what the org does"),
            ("Profiles", "assignments of layouts, tabs and apps are not retrieved back"),
            ("Record types", "they are kept; describe does not list them"),
        ),
        absent=(
            ("Packages of other namespaces", "the deploy fails and says so"),
            ("Apex and flows that run", "stored only; tests that are asked for fail"),
            ("Roll-up summaries, location fields", "the deploy fails and says so"),
        ),
    ),
    "Tooling API": Api(("test_tooling",)),
    "Analytics": Api(
        (
            "test_reports",
            "test_reports_rows",
            "test_reports_values",
            "test_reports_oracle",
            "test_reports_refused",
            "test_reports_deploy",
            "test_analytics_access",
            "test_analytics_package",
            "test_dashboards",
        ),
        partly=(("Custom fiscal years, entitlements", "46 of 60 date intervals"),),
        absent=(
            ("Creating, changing and deleting reports by REST", "405; deploy them"),
            ("Joined reports", "501 `NOT_IMPLEMENTED`; they are stored"),
            ("Notifications, subscriptions, field history reports", _NO_RESOURCE),
        ),
    ),
    "Scratch orgs": Api(("test_dev_hub",)),
    "Hostile input": Api(("test_hostile", "test_bodies_fuzz", "test_rest_fuzz")),
    "The org as a whole, its command, clock and faults": Api(
        (
            "test_cli",
            "test_http_controls",
            "test_http_faults",
            "test_org",
            "test_provenance",
            "test_server",
        )
    ),
}
