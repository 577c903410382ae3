"""Change events: what the org tells its subscribers about committed changes."""
