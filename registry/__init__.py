"""The application that writes: institutions, rosters, certificates, status, publishing."""
