"""Where couriers are and who is near: rules about fixes, cells and tracks, and the doors to where they are kept."""
