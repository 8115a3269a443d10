"""The demonstration: invented institutions and people, and what is done with them."""
