"""What was read of the public register, kept on this machine's disk for all its processes and for their next start.

Nothing here is a source of truth: it is made from published files, and made again when it is damaged or of another
register. `folder` holds files, `manifest` says which belong together, `kept_files` opens them, `reading` makes them,
`cache` is what others use.
"""
