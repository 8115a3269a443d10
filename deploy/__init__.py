"""Set-up of machines, and what starts it for a rehearsal."""
