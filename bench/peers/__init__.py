"""Other makers' libraries, each in its own environment, measured on the same machine in the same run."""
