-- Run once on the primary as the superuser: the application's role and its database. Written by write_configuration.py.
-- The public sites' role, which sees nothing but the public views, is made by the application after `kezheng init`.
CREATE ROLE $write_role LOGIN PASSWORD '$application_password';
CREATE DATABASE $database OWNER $write_role;
REVOKE ALL ON DATABASE $database FROM PUBLIC;
