"""The registry role's own application: what needs a key and is therefore not answered by the public site."""
