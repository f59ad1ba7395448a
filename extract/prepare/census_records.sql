-- Each pupil of each school's newest return, with the key that other tables of the return know the pupil by.
WITH schools AS (
    -- Of a return that came in several files, the newest. A set is the files whose names differ by the table alone.
    SELECT *, rank() OVER (PARTITION BY school, census_day ORDER BY _data_date DESC, set_name DESC) AS version
    FROM (
        SELECT
            regexp_replace(lower(_file), 'schoolcensus', '') AS set_name,
            regexp_replace(trim(schoolcensustableid), '\.0+$', '') AS school_id,
            regexp_replace(trim(urn), '\.0+$', '') AS urn,
            regexp_replace(trim(lea), '\.0+$', '') AS lea,
            lpad(regexp_replace(trim(estab), '\.0+$', ''), 4, '0') AS estab,
            coalesce(nullif(regexp_replace(trim(urn), '\.0+$', ''), ''), concat(regexp_replace(trim(lea), '\.0+$', ''), lpad(regexp_replace(trim(estab), '\.0+$', ''), 4, '0'))) AS school,
            any_date(left(trim(referencedate), 11)) AS census_day,
            regexp_extract(coalesce(year, ''), '20[0-9][0-9]') AS return_year,
            CASE left(lower(trim(term)), 3) WHEN 'spr' THEN 'spring' WHEN 'sum' THEN 'summer' WHEN 'aut' THEN 'autumn' END
                AS return_term,
            _data_date
        FROM census_schools
    )
),

pupils AS (
    SELECT regexp_replace(lower(_file), 'pupilonroll', '') AS set_name, 'on' AS roll, regexp_replace(trim(pupilonrolltableid), '\.0+$', '') AS pupil_id,
        regexp_replace(trim(schoolcensustableid), '\.0+$', '') AS school_id, _data_date
    FROM census_on_roll
    UNION ALL
    SELECT regexp_replace(lower(_file), 'pupilnolongeronroll', '') AS set_name, 'off' AS roll,
        regexp_replace(trim(pupilnolongeronrolltableid), '\.0+$', '') AS pupil_id, regexp_replace(trim(schoolcensustableid), '\.0+$', '') AS school_id, _data_date
    FROM census_leavers
)

SELECT
    pupils.set_name, pupils.roll, pupils.pupil_id,
    concat_ws(
        ' ', coalesce(schools.census_day, pupils.set_name), coalesce(schools.school, pupils.school_id), pupils.roll,
        pupils.pupil_id
    ) AS record_id,
    coalesce(nullif(schools.return_year, ''), left(coalesce(schools.census_day, pupils._data_date), 4)) AS return_year,
    coalesce(schools.return_term, regexp_extract(pupils.set_name, 'spring|summer|autumn')) AS return_term,
    schools.urn
FROM pupils
LEFT JOIN schools ON pupils.set_name = schools.set_name AND pupils.school_id = schools.school_id
WHERE coalesce(schools.version, 1) = 1
