"""SQLite tables that rows are only ever added to, in a chain of hashes."""
