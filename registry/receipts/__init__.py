"""Receipts: a verification that re-verifies later, as data and as a signed page."""
