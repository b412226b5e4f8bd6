-- Managed by Puppet. May run again and again; the backquotes run cut, so that the password is in no command line.
\set password `cut -d: -f5 "$PGPASSFILE"`
SELECT 'CREATE ROLE puppetdb LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'puppetdb') \gexec
ALTER ROLE puppetdb PASSWORD :'password';
SELECT 'CREATE DATABASE puppetdb OWNER puppetdb TEMPLATE template0 ENCODING ''UTF8'''
  WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'puppetdb') \gexec
\connect puppetdb
CREATE EXTENSION IF NOT EXISTS pg_trgm;
