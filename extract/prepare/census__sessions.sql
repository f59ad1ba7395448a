-- Sessions of the school census: the codes of the tables of sessions, and the totals of pupils that returns had before 2025.
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
),

records AS (
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
),

coded AS (
    SELECT
        regexp_replace(lower(_file), '(termlysession|summerhalfterm2session)details(on|off)roll', '') AS set_name,
        CASE WHEN nullif(trim(pupilonrolltableid), '') IS NULL THEN 'off' ELSE 'on' END AS roll,
        regexp_replace(trim(coalesce(nullif(trim(pupilonrolltableid), ''), pupilnolongeronrolltableid)), '\.0+$', '') AS pupil_id,
        CASE WHEN contains(lower(_file), 'summerhalfterm2') THEN 'summer half term 2' ELSE 'term' END AS period,
        *
    FROM census_attendance
),

counted AS (
    SELECT set_name, roll, pupil_id, period, attendancereason AS code, sessions AS n, _file, _line
    FROM coded
    WHERE nullif(trim(attendancereason), '') IS NOT NULL
    UNION ALL
    -- The table of the second half of summer may say itself what was possible, in each row of a pupil.
    SELECT
        set_name, roll, pupil_id, period, 'possible' AS code,
        max(coalesce(nullif(trim(summerhalfterm2sessionspossible), ''), termlysessionspossible)) AS n,
        min(_file) AS _file, min(_line) AS _line
    FROM coded
    WHERE period = 'summer half term 2'
    GROUP BY ALL
    HAVING n IS NOT NULL
    UNION ALL
    SELECT set_name, roll, pupil_id, held.period, held.code, held.n, _file, _line
    FROM (
    SELECT regexp_replace(lower(_file), 'pupilonroll', '') AS set_name, 'on' AS roll, regexp_replace(trim(pupilonrolltableid), '\.0+$', '') AS pupil_id,
        unnest([
            {period: 'term', code: 'possible', n: termlysessionspossible},
            {period: 'term', code: 'authorised', n: termlysessionsauthorised},
            {period: 'term', code: 'unauthorised', n: termlysessionsunauthorised},
            {period: 'summer half term 2', code: 'possible', n: summerhalfterm2sessionspossible},
            {period: 'summer half term 2', code: 'authorised', n: summerhalfterm2sessionsauthorised},
            {period: 'summer half term 2', code: 'unauthorised', n: summerhalfterm2sessionsunauthorised}
        ]) AS held,
        _file, _line
    FROM census_on_roll
    UNION ALL
    SELECT regexp_replace(lower(_file), 'pupilnolongeronroll', '') AS set_name, 'off' AS roll, regexp_replace(trim(pupilnolongeronrolltableid), '\.0+$', '') AS pupil_id,
        unnest([
            {period: 'term', code: 'possible', n: termlysessionspossible},
            {period: 'term', code: 'authorised', n: termlysessionsauthorised},
            {period: 'term', code: 'unauthorised', n: termlysessionsunauthorised},
            {period: 'summer half term 2', code: 'possible', n: summerhalfterm2sessionspossible},
            {period: 'summer half term 2', code: 'authorised', n: summerhalfterm2sessionsauthorised},
            {period: 'summer half term 2', code: 'unauthorised', n: summerhalfterm2sessionsunauthorised}
        ]) AS held,
        _file, _line
    FROM census_leavers
    )
    WHERE nullif(trim(held.n), '') IS NOT NULL
)

SELECT
    records.record_id AS "Record Id",
    any_value(records.return_year) AS "Year",
    any_value(records.return_term) AS "Term",
    counted.period AS "Period",
    trim(counted.code) AS "Attendance Code",
    -- What both tables say is possible is said once; a code in two rows is added up.
    CASE WHEN lower(trim(counted.code)) IN ('possible', 'authorised', 'unauthorised') THEN max(try_cast(counted.n AS DOUBLE))
        ELSE sum(try_cast(counted.n AS DOUBLE)) END::BIGINT AS "Sessions",
    min(counted._file) AS _file,
    arg_min(counted._line, counted._file) AS _line
FROM counted
INNER JOIN records
    ON counted.set_name = records.set_name AND counted.roll = records.roll AND counted.pupil_id = records.pupil_id
GROUP BY records.record_id, counted.period, trim(counted.code)
