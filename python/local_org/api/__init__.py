"""The wire protocols of the org, one module each."""
