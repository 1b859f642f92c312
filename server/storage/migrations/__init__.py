"""The schema's versions (docs/decisions/0001-migrations.md); imported only when there is work to do."""
