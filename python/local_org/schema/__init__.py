"""What the org's objects are: the standard schema, describe results, and the formula language."""
