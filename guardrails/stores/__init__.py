"""State that outlives a request, in a database: SQLite, which is embedded, or PostgreSQL.

* `database.Database`: a connection; SQL with `?` for parameters goes in, rows come out, alike for both.
* `postgresql_address`: what a URL says to PostgreSQL's client library, and its name without a password.
* `migrations`: numbered SQL files, up and back, that make the tables and change them.

Records import this; it imports nothing of the package but errors.
"""
