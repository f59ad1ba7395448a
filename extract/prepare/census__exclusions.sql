-- Suspensions and exclusions of the school census.
WITH excluded AS (
    SELECT
        regexp_replace(lower(_file), 'termlyexclusions(on|off)roll', '') AS set_name,
        CASE WHEN nullif(trim(pupilonrolltableid), '') IS NULL THEN 'off' ELSE 'on' END AS roll,
        regexp_replace(trim(coalesce(nullif(trim(pupilonrolltableid), ''), pupilnolongeronrolltableid)), '\.0+$', '') AS pupil_id,
        *
    FROM census_excluded
)

SELECT
    concat_ws(
        ' ', census_records.record_id, coalesce(termlyexclusionsonrolltableid, termlyexclusionsoffrolltableid),
        any_date(left(trim(startdate), 11)), category
    ) AS "Exclusion Id",
    census_records.record_id AS "Record Id",
    category AS "Category",
    any_date(left(trim(startdate), 11)) AS "Start Date",
    sessions AS "Sessions",
    reason1 AS "Reason",
    census_records.urn AS "URN",
    _file,
    _line
FROM excluded
INNER JOIN census_records
    ON excluded.set_name = census_records.set_name AND excluded.roll = census_records.roll AND excluded.pupil_id = census_records.pupil_id
