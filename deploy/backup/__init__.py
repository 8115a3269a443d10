"""Backup and recovery on PostgreSQL: its set-up, and a rehearsal that loses a server and brings all back."""
