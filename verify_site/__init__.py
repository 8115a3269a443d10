"""The application that reads: the public verification pages and the public JSON API."""
