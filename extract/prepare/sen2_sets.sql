-- The returns that were read: files that belong together, of which survey they are, and which of a year stands.
WITH sets AS (
    SELECT
        _set,
        -- Of the files that say of which survey the set is, those that know it best.
        arg_min(return_year, (_basis::INTEGER, -try_cast(return_year AS INTEGER))) AS return_year,
        arg_min(reference_date, (_basis::INTEGER, -try_cast(return_year AS INTEGER))) AS reference_date,
        count(DISTINCT _module) FILTER (WHERE _module <> 'sen2') AS modules,
        bool_or(is_draft = 'true') AS is_draft,
        max(coalesce(try_cast(regexp_replace(serial_no, '[^0-9]', '', 'g') AS BIGINT), 0)) AS serial,
        max(_landed) AS landed
    FROM sen2_file
    GROUP BY _set
)

SELECT
    _set, return_year, reference_date, modules, is_draft, serial, landed,
    row_number() OVER (PARTITION BY return_year ORDER BY is_draft, modules DESC, serial DESC, landed DESC, _set) = 1
        AS stands
FROM sets
WHERE return_year IS NOT NULL
