"""Tiled transparency logs: the Merkle tree of RFC 6962, the C2SP formats around it; nothing about certificates."""
