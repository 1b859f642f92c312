"""A city to watch: couriers, merchants and customers who use the server as anybody does, and recorded traces replayed.

Everything here speaks songda.v1 and REST, never by the back door; `command.py` is the command line.
"""
