-- Alternative provision: what schools arranged and councils commissioned (school census), and the AP census.
WITH placed AS (
    SELECT
        regexp_replace(lower(_file), '(schoolarrangedapdetail|approvisiondetail)(on|off)roll', '') AS set_name,
        CASE WHEN nullif(trim(pupilonrolltableid), '') IS NULL THEN 'off' ELSE 'on' END AS roll,
        regexp_replace(trim(coalesce(nullif(trim(pupilonrolltableid), ''), pupilnolongeronrolltableid)), '\.0+$', '') AS pupil_id,
        contains(lower(_file), 'schoolarranged') AS is_school_arranged,
        *
    FROM census_placements
)

SELECT
    concat_ws(' ', census_records.record_id, placed._file, placed._line) AS "Placement Id",
    census_records.record_id AS "Record Id",
    CASE WHEN is_school_arranged THEN 'school_arranged' ELSE 'commissioned' END AS "Kind",
    -- A pupil whom the council placed is on the roll of the alternative provision itself.
    CASE WHEN is_school_arranged THEN regexp_replace(trim(placed.urn), '\.0+$', '') ELSE census_records.urn END AS "URN",
    regexp_replace(trim(ukprn), '\.0+$', '') AS "UKPRN",
    apsettingtype AS "Setting Type",
    any_date(left(trim(entrydate), 11)) AS "Entry Date",
    any_date(left(trim(leavingdate), 11)) AS "Leaving Date",
    apsessionsperweek AS "Sessions Per Week",
    coalesce(nullif(trim(placementreason), ''), apreason) AS "Reason",
    apattendancepattern AS "Attendance Pattern",
    placed._file,
    placed._line
FROM placed
INNER JOIN census_records
    ON placed.set_name = census_records.set_name AND placed.roll = census_records.roll AND placed.pupil_id = census_records.pupil_id

UNION ALL BY NAME

SELECT
    concat_ws(' ', 'AP', _file, _line) AS "Placement Id",
    concat_ws(
        ' ', any_date("Reference Date"), 'AP', "Provider URN", "Provider UKPRN", coalesce(nullif(trim("UPN"), ''),
        concat('line ', _line)), any_date("Entry Date")
    ) AS "Record Id",
    'ap_census' AS "Kind",
    "Provider URN" AS "URN",
    "Provider UKPRN" AS "UKPRN",
    "Provider Type" AS "Setting Type",
    "Entry Date",
    "Leaving Date",
    "Sessions Per Week",
    "Placement Reason" AS "Reason",
    "Attendance Pattern",
    _file,
    _line
FROM ap_census_pupils
