"""The set-up on several machines: three with the database, two with the application, and the balancer before them."""
