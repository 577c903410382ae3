"""What the org remembers: rows in SQLite, who may touch them, how a write is judged and done."""
