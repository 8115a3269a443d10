"""Runs an ASGI application, or any other program, in several processes that are replaced without a pause."""
