"""The schema's versions (docs/decisions/0001-migrations.md).  Imported only when there is something to migrate."""
