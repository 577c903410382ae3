"""SOQL: text → tree → is it allowed → SQLite. Public: ``parser``, ``printer`` and ``run``."""
