"""What travels between us and the programs of others: frames, messages, close codes, and a client in Python.

Nothing here knows the database, Redis or the socket library of the server.  docs/protocol.md is the page for strangers.
"""
