"""People: who they are, what their role may do, and the tokens and keys by which they prove it."""
