"""REST, one file per audience; each handler reads a request, asks a service and writes the answer."""
