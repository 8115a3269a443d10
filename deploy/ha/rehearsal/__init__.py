"""The whole set-up on one machine: each machine of the plan is a network namespace, or an address of loopback."""
