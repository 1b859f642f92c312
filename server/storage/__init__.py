"""The record and the live state as services: our own servers, pools, migrations, unit of work, event log, timers."""
