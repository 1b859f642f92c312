"""What `./dev` is made of: the care of a checkout, never a part of the server.  Standard library only."""
