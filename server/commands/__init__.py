"""What the command line can do: run the server, one of its workers, the demo city, and make the first administrator."""
