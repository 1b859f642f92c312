"""Alembic runs this file: it hands over the connection on which upgrade.py has begun the transaction."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
