"""The care of a checkout, never a part of the server.  What `./dev` needs uses the standard library only."""
