-- Run once on the primary as the superuser: the application's roles and its database. By write_configuration.py.
-- The public sites' role may read nothing yet: `kezheng database public-role` lets it read the two public views.
CREATE ROLE $write_role LOGIN PASSWORD '$application_password';
CREATE ROLE $read_role LOGIN PASSWORD '$public_password';
CREATE DATABASE $database OWNER $write_role;
REVOKE ALL ON DATABASE $database FROM PUBLIC;
