"""`python -m bench.failover`: machines die and are cut off while certificates are issued, revoked and scanned."""
