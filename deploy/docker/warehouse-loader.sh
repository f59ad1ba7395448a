# Run once by the image of PostgreSQL, after the roles: the login that the nightly load publishes with.
psql --set=ON_ERROR_STOP=1 --username="$POSTGRES_USER" --dbname="$POSTGRES_DB" --set=password="$LOADER_PASSWORD" <<'SQL'
CREATE ROLE loader LOGIN IN ROLE send_loader PASSWORD :'password';
SQL
