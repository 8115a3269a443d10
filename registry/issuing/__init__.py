"""The way of a roster to certificates: one file per step, in the order of the flow."""
