"""Bringing back what a database restored from a backup does not know, from the archive and from what was published."""
