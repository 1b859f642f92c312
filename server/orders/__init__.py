"""Orders as the record: merchants and menus, the table of what may happen next, and the commands people give."""
