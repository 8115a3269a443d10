"""The domain of the registry: pure rules over bytes, values and a time. No clock, file, network or randomness."""
