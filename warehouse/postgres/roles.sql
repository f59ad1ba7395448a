-- What a database administrator runs once, in the database that SEND Ready is to publish to, as a superuser or the
-- owner of the database. It may be run again at any time. The database should hold nothing else.
--
--     send-ready postgres-roles | psql --single-transaction --set ON_ERROR_STOP=1 --dbname send
--
-- A schema send_publisher, which publications make, has one table without rows: who publishes locks it.
-- Three roles, none of which can log in. What they may do with the tables each publication sets anew:
--     send_loader  owns everything that is published
--     send_bi      reads core, kpi and quality: no names, no lists
--     send_lists   reads annex_a, and what its rows are joined to: core.dim_establishment and quality.runs
-- Nobody else may do anything, PUBLIC included. Names, addresses and numbers of children (person_identifiable, and the
-- SEN2 return in sen2) are the loader's alone, until an administrator grants them by name; that grant stays.
--
-- People and tools log in with a role of their own, which is made a member:
--     CREATE ROLE send_nightly LOGIN PASSWORD '…';  GRANT send_loader TO send_nightly;
--     CREATE ROLE power_bi LOGIN PASSWORD '…';      GRANT send_bi TO power_bi;
--     GRANT USAGE ON SCHEMA person_identifiable TO casework;
--     GRANT SELECT ON person_identifiable.persons TO casework;
DO $roles$
DECLARE
    role_name text;
    superuser boolean := (SELECT rolsuper FROM pg_roles WHERE rolname = current_user);
BEGIN
    FOREACH role_name IN ARRAY ARRAY['send_loader', 'send_bi', 'send_lists'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
        END IF;
    END LOOP;
    IF NOT superuser THEN  -- who may create roles is no member of them yet, and sets the loader's defaults below
        EXECUTE format('GRANT send_loader TO %I', current_user);
    END IF;

    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC, send_bi, send_lists', current_database());
    EXECUTE format('GRANT CONNECT, CREATE ON DATABASE %I TO send_loader', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO send_bi, send_lists', current_database());
    IF to_regnamespace('public') IS NOT NULL THEN
        REVOKE ALL ON SCHEMA public FROM PUBLIC;
    END IF;

    ALTER DEFAULT PRIVILEGES FOR ROLE send_loader REVOKE ALL ON FUNCTIONS FROM PUBLIC;
    ALTER DEFAULT PRIVILEGES FOR ROLE send_loader REVOKE ALL ON TYPES FROM PUBLIC;

    IF superuser THEN  -- else everybody may store large objects, which belong to no schema
        REVOKE EXECUTE ON FUNCTION lo_creat(integer), lo_create(oid), lo_from_bytea(oid, bytea) FROM PUBLIC;
    END IF;
END
$roles$;
