-- Run once, by the image of PostgreSQL, when its volume is new. The other database is POSTGRES_DB.
CREATE DATABASE prefect;
