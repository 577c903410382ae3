"""The Metadata API behind its protocols: deploy, retrieve, listings, and the Tooling objects."""
