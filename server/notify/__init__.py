"""Word to the outside: webhooks, signed and sent until they arrive or a day is over."""
