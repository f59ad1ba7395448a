-- Sessions of the school census: the codes of the tables of sessions, and the totals of pupils that returns had before 2025.
WITH coded AS (
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
    census_records.record_id AS "Record Id",
    any_value(census_records.return_year) AS "Year",
    any_value(census_records.return_term) AS "Term",
    counted.period AS "Period",
    trim(counted.code) AS "Attendance Code",
    -- What both tables say is possible is said once; a code in two rows is added up.
    CASE WHEN lower(trim(counted.code)) IN ('possible', 'authorised', 'unauthorised') THEN max(try_cast(counted.n AS DOUBLE))
        ELSE sum(try_cast(counted.n AS DOUBLE)) END::BIGINT AS "Sessions",
    min(counted._file) AS _file,
    arg_min(counted._line, counted._file) AS _line
FROM counted
INNER JOIN census_records
    ON counted.set_name = census_records.set_name AND counted.roll = census_records.roll AND counted.pupil_id = census_records.pupil_id
GROUP BY census_records.record_id, counted.period, trim(counted.code)
