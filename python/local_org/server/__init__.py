"""One process, one event loop: the org behind HTTPS and gRPC; and the way to control it."""
