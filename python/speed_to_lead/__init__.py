"""Speed to Lead: measures, routes and proves the time to first response of every Salesforce Lead."""
