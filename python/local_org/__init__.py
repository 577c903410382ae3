"""A local Salesforce org: it speaks the platform's wire protocols, so real clients run against it as is."""
