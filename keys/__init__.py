"""The only code that opens private keys."""
