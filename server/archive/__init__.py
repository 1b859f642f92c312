"""What is over: orders with all that belonged to them, put away by day; and what is erased when its time has come."""
