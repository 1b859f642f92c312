"""Where couriers are and who is near: pure rules about fixes, cells and tracks, and the doors to where they are kept."""
