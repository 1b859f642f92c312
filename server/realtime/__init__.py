"""Sockets: who is connected here, what each may hear, and how it reaches them; positions from process to process."""
