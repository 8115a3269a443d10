"""Codes out of files that strangers send: photographs, screenshots and PDFs of certificates."""
