-- Pupils of the school census as COLLECT exports it, of pupils_simple and of the AP census: one row a pupil of a return.
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

needs AS (
    SELECT
        regexp_replace(lower(_file), 'senneeds', '') AS set_name,
        regexp_replace(trim(pupilonrolltableid), '\.0+$', '') AS pupil_id,
        max(sentype) FILTER (WHERE regexp_replace(trim(sentyperank), '\.0+$', '') = '1') AS sen_type_1,
        max(sentype) FILTER (WHERE regexp_replace(trim(sentyperank), '\.0+$', '') = '2') AS sen_type_2
    FROM census_needs
    GROUP BY ALL
),

addresses AS (
    SELECT
        regexp_replace(lower(_file), 'addresses(onroll|offroll)?', '') AS set_name,
        CASE WHEN nullif(trim(pupilonrolltableid), '') IS NULL THEN 'false' ELSE 'true' END AS is_on_roll,
        regexp_replace(trim(coalesce(nullif(trim(pupilonrolltableid), ''), pupilnolongeronrolltableid)), '\.0+$', '')
            AS pupil_id,
        max(nullif(trim(postcode), '')) AS postcode
    FROM census_addresses
    GROUP BY ALL
),

pupils AS (
    SELECT
        regexp_replace(lower(_file), 'pupilonroll', '') AS set_name,
        regexp_replace(trim(pupilonrolltableid), '\.0+$', '') AS pupil_id,
        regexp_replace(trim(schoolcensustableid), '\.0+$', '') AS school_id,
        'true' AS is_on_roll,
        upn, formerupn, uniquelearnernumber, surname, forename, dob, coalesce(nullif(trim(sex), ''), gender) AS sex,
        ethnicity, enrolstatus, entrydate, NULL AS leavingdate, ncyearactual, parttime, senprovision,
        _file, _line, _data_date
    FROM census_on_roll
    UNION ALL
    SELECT
        regexp_replace(lower(_file), 'pupilnolongeronroll', '') AS set_name,
        regexp_replace(trim(pupilnolongeronrolltableid), '\.0+$', '') AS pupil_id,
        regexp_replace(trim(schoolcensustableid), '\.0+$', '') AS school_id,
        'false' AS is_on_roll,
        upn, formerupn, uniquelearnernumber, surname, forename, dob, coalesce(nullif(trim(sex), ''), gender) AS sex,
        ethnicity, enrolstatus, entrydate, leavingdate, ncyearactual, parttime, NULL AS senprovision,
        _file, _line, _data_date
    FROM census_leavers
)

SELECT
    concat_ws(
        ' ', coalesce(schools.census_day, pupils.set_name), coalesce(schools.school, pupils.school_id),
        CASE WHEN pupils.is_on_roll = 'true' THEN 'on' ELSE 'off' END, pupils.pupil_id
    ) AS "Record Id",
    coalesce(nullif(schools.return_year, ''), left(coalesce(schools.census_day, pupils._data_date), 4)) AS "Year",
    coalesce(schools.return_term, regexp_extract(pupils.set_name, 'spring|summer|autumn')) AS "Term",
    -- Without its school in schoolcensus the pupil is kept, on no roll: a rule tells of it.
    coalesce(schools.census_day, pupils._data_date) AS "Reference Date",
    schools.urn AS "URN",
    schools.lea AS "LA",
    schools.estab AS "Establishment Number",
    upn AS "UPN",
    formerupn AS "Former UPN",
    regexp_replace(trim(uniquelearnernumber), '\.0+$', '') AS "ULN",
    surname AS "Surname",
    forename AS "Forename",
    any_date(left(trim(dob), 11)) AS "DOB",
    addresses.postcode AS "Postcode",
    sex AS "Sex",
    ethnicity AS "Ethnicity",
    pupils.is_on_roll AS "On Roll",
    enrolstatus AS "Enrolment Status",
    any_date(left(trim(entrydate), 11)) AS "Entry Date",
    any_date(left(trim(leavingdate), 11)) AS "Leaving Date",
    ncyearactual AS "NC Year",
    parttime AS "Part Time",
    senprovision AS "SEN Provision",
    needs.sen_type_1 AS "SEN Type 1",
    needs.sen_type_2 AS "SEN Type 2",
    coalesce(schools.return_term = 'spring', false) OR pupils.set_name IN (SELECT needs.set_name FROM needs)
        AS "Carries Needs And Ethnicity",
    pupils._file,
    pupils._line
FROM pupils
LEFT JOIN schools ON pupils.set_name = schools.set_name AND pupils.school_id = schools.school_id
LEFT JOIN needs
    ON pupils.is_on_roll = 'true' AND pupils.set_name = needs.set_name AND pupils.pupil_id = needs.pupil_id
LEFT JOIN addresses
    ON
        pupils.is_on_roll = addresses.is_on_roll
        AND pupils.set_name = addresses.set_name
        AND pupils.pupil_id = addresses.pupil_id
WHERE coalesce(schools.version, 1) = 1

UNION ALL BY NAME

SELECT
    concat_ws(' ', any_date("Census Date"), "URN", 'plain', coalesce(nullif(trim("UPN"), ''), concat('line ', _line)))
        AS "Record Id",
    left(any_date("Census Date"), 4) AS "Year",
    any_date("Census Date") AS "Reference Date",
    "URN",
    upper("UPN") AS "UPN",
    "Surname",
    "Forename",
    "DOB",
    "Sex",
    "Ethnicity",
    'true' AS "On Roll",
    -- Who is in a file of pupils is on a roll; without a column for it, on this one alone.
    coalesce(nullif(trim("Enrolment Status"), ''), 'C') AS "Enrolment Status",
    "SEN Provision",
    "SEN Type 1",
    "SEN Type 2",
    "NC Year",
    true AS "Carries Needs And Ethnicity",
    _file,
    _line
FROM census_pupils_simple

UNION ALL BY NAME

-- Alternative provision that the council pays for: its provider is another one.
SELECT
    concat_ws(
        ' ', any_date("Reference Date"), 'AP', "Provider URN", "Provider UKPRN", coalesce(nullif(trim("UPN"), ''),
        concat('line ', _line)), any_date("Entry Date")
    ) AS "Record Id",
    left(any_date("Reference Date"), 4) AS "Year",
    any_date("Reference Date") AS "Reference Date",
    "Provider URN" AS "URN",
    upper("UPN") AS "UPN",
    "DOB",
    "Sex",
    "Ethnicity",
    CASE WHEN any_date("Leaving Date") <= any_date("Reference Date") THEN 'false' ELSE 'true' END AS "On Roll",
    'O' AS "Enrolment Status",
    "Entry Date",
    "Leaving Date",
    "SEN Provision",
    "SEN Type 1",
    true AS "Carries Needs And Ethnicity",
    _file,
    _line
FROM ap_census_pupils
