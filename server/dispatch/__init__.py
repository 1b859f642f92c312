"""Who carries which order: assignments and their legs, the courier chosen, and a fix's way in."""
