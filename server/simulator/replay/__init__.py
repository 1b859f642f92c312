"""Recorded traces streamed as couriers: files are read by pure parsers, set into our time, and sent over songda.v1."""
