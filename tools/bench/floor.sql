-- The two Annex A person-level lists from one night's exports, in plain DuckDB: the floor that the
-- pipeline's speed is measured against, and the oracle that its lists are compared with.
--
-- It is a second, independent reading of the rules and shares no code with the pipeline, only the shipped
-- crosswalks. It knows the default layout: no aliases, no decisions on the review queue.
--
-- floor.py loads each export into raw_<feed> (in the file's order; every column text, absent ones null), the
-- crosswalks into xwalk (what, local_value in lower case, code), and sets as_at DATE, known_at DATE (the day whose
-- exports these are, which is as_at but for the KPIs of a month end before it), la_code VARCHAR,
-- has_exclusions, has_gias, has_home_education, has_absence and has_care BOOLEAN (an export was received, with what it
-- takes to tell).
-- Results: list_1 and list_2 (plain codes, in order of Unique ID), list_1_lettered and list_2_lettered.

-- Reading a value -----------------------------------------------------------------------------------
CREATE MACRO trimmed(x) AS nullif(trim(x, concat(' ', chr(9), chr(10), chr(13), chr(160), chr(65279))), '');
CREATE MACRO clean(x) AS CASE WHEN regexp_full_match(x, '[!-~]+') THEN x ELSE trimmed(x) END;  -- three times as fast
CREATE MACRO id(x) AS CASE WHEN ends_with(clean(x), '.0') THEN clean(x)[:-3] ELSE clean(x) END;
CREATE MACRO stamp(x) AS try_strptime(clean(x), [
    '%d/%m/%Y', '%Y-%m-%d', '%Y-%m-%d %H:%M:%S', '%Y-%b-%d %H:%M:%S', '%d-%m-%Y', '%d/%m/%Y %H:%M:%S',
    '%d/%m/%Y %H:%M', '%Y-%m-%dT%H:%M:%S', '%Y-%m-%d %H:%M']);
CREATE MACRO is_nothing(x) AS  -- what systems write where there is no date
    stamp(x)::DATE IN (DATE '0001-01-01', DATE '1753-01-01', DATE '1900-01-01', DATE '9999-12-31');
CREATE MACRO day(x) AS
    CASE WHEN year(stamp(x)) BETWEEN 1900 AND 2100 AND NOT is_nothing(x) THEN stamp(x)::DATE END;
CREATE MACRO unreadable(x) AS clean(x) IS NOT NULL AND day(x) IS NULL AND NOT coalesce(is_nothing(x), false);
CREATE MACRO whole(x) AS coalesce(try_cast(x AS BIGINT), try_cast(id(x) AS BIGINT));
CREATE MACRO yes_no(x) AS CASE
    WHEN lower(id(x)) IN ('y', 'yes', '1', 'true', 't') THEN 'Yes'
    WHEN lower(id(x)) IN ('n', 'no', '0', 'false', 'f') THEN 'No' END;
CREATE MACRO coded(feature, x) AS (  -- by the crosswalks, which are configuration and not code
    SELECT code FROM xwalk WHERE what = feature AND local_value = lower(id(x)));
CREATE MACRO as_at() AS getvariable('as_at')::DATE;
CREATE MACRO window_start() AS (as_at() - INTERVAL 6 MONTH)::DATE;  -- the day itself is outside
CREATE MACRO in_window(x) AS x > window_start() AND x <= as_at();
CREATE MACRO ended(start_date, end_date) AS  -- an end before its start is none
    CASE WHEN start_date IS NULL OR start_date <= end_date THEN end_date END;
CREATE MACRO is_open(start_date, end_date) AS
    start_date <= as_at() AND (end_date IS NULL OR end_date > as_at());

-- The exports: rows without a key are left out; of rows that share
-- a key the last in the file stays (of students, the one with the latest Last Updated).
CREATE TABLE student AS
SELECT id("Student ID") AS student_id, id("UPN") AS upn, id("Former UPN") AS former_upn, id("ULN") AS uln,
    clean("Surname") AS surname, clean("Forename") AS forename, day("Date of Birth") AS birth_date,
    coded('sex', "Sex") AS sex, coded('ethnicity', "Ethnicity") AS ethnicity, clean("Postcode") AS postcode,
    coalesce(yes_no("Disability"), 'Unknown') AS disability, yes_no("Pupil Premium") AS pupil_premium,
    ended(day("Date of Birth"), day("Date of Death")) AS death_date
FROM raw_students
WHERE id("Student ID") IS NOT NULL
QUALIFY row_number() OVER (
    PARTITION BY id("Student ID") ORDER BY stamp("Last Updated") DESC NULLS LAST, rowid DESC) = 1;

CREATE TABLE enrolment AS
SELECT id("Student ID") AS student_id, id("URN") AS urn, coded('enrolment_status', "Enrolment Status") AS status,
    day("Entry Date") AS entry_date, ended(day("Entry Date"), day("Leaving Date")) AS leaving_date
FROM raw_enrolments
WHERE id("Student ID") IS NOT NULL AND id("URN") IS NOT NULL AND day("Entry Date") IS NOT NULL
QUALIFY row_number() OVER (
    PARTITION BY id("Student ID"), id("URN"), day("Entry Date") ORDER BY rowid DESC) = 1;

CREATE TABLE provision AS
SELECT id("Student ID") AS student_id, coded('sen_provision', "SEN Provision") AS provision,
    day("Start Date") AS start_date, ended(day("Start Date"), day("End Date")) AS end_date
FROM raw_sen_provision
WHERE id("Student ID") IS NOT NULL AND day("Start Date") IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY id("Student ID"), day("Start Date") ORDER BY rowid DESC) = 1;

CREATE TABLE need AS
SELECT id("Student ID") AS student_id, coded('sen_type', "SEN Type") AS need, clean("SEN Type") AS sen_type, whole("Rank") AS rank,
    day("Start Date") AS start_date, ended(day("Start Date"), day("End Date")) AS end_date
FROM raw_sen_needs
WHERE id("Student ID") IS NOT NULL AND clean("SEN Type") IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY id("Student ID"), clean("SEN Type") ORDER BY rowid DESC) = 1;

CREATE TABLE plan AS
SELECT id("Plan ID") AS plan_id, id("Student ID") AS student_id, day("Initial Plan Date") AS initial_date,
    day("Current Plan Date") AS updated_date, ended(day("Initial Plan Date"), day("Cease Date")) AS cease_date,
    id("Involvement ID") AS involvement_id
FROM raw_ehc_plans
WHERE id("Plan ID") IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY id("Plan ID") ORDER BY rowid DESC) = 1;

CREATE TABLE review AS
SELECT id("Plan ID") AS plan_id, day("Meeting Date") AS meeting_date
FROM raw_annual_reviews
WHERE id("Review ID") IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY id("Review ID") ORDER BY rowid DESC) = 1;

CREATE TABLE exclusion AS
SELECT id("Student ID") AS student_id, coded('exclusion_category', "Category") AS category, day("Start Date") AS start_date
FROM raw_exclusions
WHERE id("Exclusion ID") IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY id("Exclusion ID") ORDER BY rowid DESC) = 1;

CREATE TABLE home_education AS
SELECT id("Student ID") AS student_id, day("Start Date") AS start_date,
    ended(day("Start Date"), day("End Date")) AS end_date
FROM raw_home_education
WHERE id("Student ID") IS NOT NULL AND day("Start Date") IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY id("Student ID"), day("Start Date") ORDER BY rowid DESC) = 1;

CREATE TABLE hub_case AS
SELECT id("Case Reference") AS case_reference, id("Child UPN") AS upn, clean("Child First Name") AS forename,
    clean("Child Last Name") AS surname, day("Child DOB") AS birth_date,  coded('sex', "Gender") AS sex,
    coded('sen_type', "Primary Need") AS need, clean("Postcode") AS postcode,
    day("Request Received") AS request_date, day("Final Plan Issued") AS final_date,
    day("Plan Last Amended") AS amended_date,
    ended(coalesce(day("Final Plan Issued"), day("Request Received")), day("Case Closed")) AS closed_date,
    unreadable("Final Plan Issued") AND coalesce(coded('hub_decision', "Decision To Issue") = 'Y', false) AS is_undated,
    id("Migrated Student ID") AS migrated_id
FROM raw_cases
WHERE id("Case Reference") IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY id("Case Reference") ORDER BY rowid DESC) = 1;

CREATE TABLE hub_review AS
SELECT id("Case Reference") AS case_reference, day("Meeting Date") AS meeting_date
FROM raw_reviews
WHERE id("Review Reference") IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY id("Review Reference") ORDER BY rowid DESC) = 1;

CREATE TABLE care AS
SELECT id("Person ID") AS care_id, id("UPN") AS upn, clean("First Name") AS forename,
    clean("Last Name") AS surname, day("DOB") AS birth_date, clean("Postcode") AS postcode,
    coded('social_care_status', "Status") AS status, clean("Team") AS team, day("Start Date") AS start_date,
    ended(day("Start Date"), day("End Date")) AS end_date
FROM raw_involvements
WHERE id("Person ID") IS NOT NULL AND clean("Status") IS NOT NULL AND day("Start Date") IS NOT NULL
QUALIFY row_number() OVER (
    PARTITION BY id("Person ID"), clean("Status"), day("Start Date") ORDER BY rowid DESC) = 1;

-- Establishments, with the phase that Annex A asks for: the first line that fits.
CREATE TABLE establishment AS
SELECT id("URN") AS urn, id("LA (code)") AS la_code, whole("TypeOfEstablishment (code)") AS kind,
    whole("PhaseOfEducation (code)") AS gias_phase, whole("StatutoryLowAge") AS low,
    whole("StatutoryHighAge") AS high,
    CASE
        WHEN kind IN (14, 38, 42, 43) THEN 'Pupil referral unit/Alternative provision'
        WHEN kind IN (7, 8, 10, 12, 33, 36, 44) THEN 'Special'
        WHEN kind IN (18, 29, 31, 32, 39, 45, 46, 57) OR gias_phase = 6 THEN 'FE college'
        WHEN gias_phase = 1 OR kind = 15 THEN 'Nursery'
        WHEN gias_phase = 2 THEN 'Primary'
        WHEN gias_phase = 3 THEN 'Middle (deemed primary)'
        WHEN gias_phase = 4 THEN 'Secondary'
        WHEN gias_phase = 5 THEN 'Middle (deemed secondary)'
        WHEN gias_phase = 7 THEN 'All-through'
        WHEN gias_phase IS DISTINCT FROM 0 THEN NULL
        WHEN low <= 7 AND high >= 16 THEN 'All-through'
        WHEN high <= 11 THEN 'Primary'
        WHEN low >= 11 THEN 'Secondary'
        WHEN high <= 5 THEN 'Nursery'
    END AS phase
FROM raw_establishments
WHERE id("URN") IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY id("URN") ORDER BY rowid DESC) = 1;

-- Who is who ----------------------------------------------------------------------------------------
-- Letters I, O and S are not used. A temporary UPN ends in a letter, which counts as its place.
CREATE MACRO letter_value(c) AS
    coalesce(try_cast(c AS INTEGER), strpos('ABCDEFGHJKLMNPQRTUVWXYZ', c) - 1);
CREATE MACRO is_upn(x) AS
    regexp_full_match(x, '[A-HJ-NP-RT-Z][0-9]{11}[0-9A-HJ-NP-RT-Z]')
    AND x[1] = 'ABCDEFGHJKLMNPQRTUVWXYZ'[1 + list_sum(list_transform(range(2, 14),
        lambda p: p * letter_value(x[p])))::BIGINT % 23];
CREATE MACRO plain_name(x) AS regexp_replace(lower(strip_accents(x)), '[^a-z]', '', 'g');
CREATE MACRO same_upn(x) AS upper(regexp_replace(x, '\s', '', 'g'));
CREATE MACRO upn_key(upn, birth_date) AS
    CASE WHEN is_upn(same_upn(upn)) THEN concat(same_upn(upn), birth_date) END;
CREATE MACRO name_key(surname, forename, birth_date, postcode) AS
    nullif(plain_name(surname), '') || '|' || nullif(plain_name(forename), '') || '|' || birth_date || '|'
    || upper(replace(postcode, ' ', ''));

CREATE TABLE student_key AS
SELECT DISTINCT 2 AS rule, student_id, upn_key(held, birth_date) AS key
FROM (SELECT student_id, unnest([upn, former_upn]) AS held, birth_date FROM student)
WHERE birth_date IS NOT NULL AND upn_key(held, birth_date) IS NOT NULL
UNION ALL
SELECT 4, student_id, name_key(surname, forename, birth_date, postcode) FROM student
WHERE name_key(surname, forename, birth_date, postcode) IS NOT NULL;

-- Records of the other systems: C is a hub case, P a person in social care.
CREATE TABLE other_key AS
WITH held AS (
    SELECT 'C' || case_reference AS record, upn, surname, forename, birth_date, postcode FROM hub_case
    UNION ALL SELECT 'P' || care_id, upn, surname, forename, birth_date, postcode FROM care)
SELECT DISTINCT 2 AS rule, record, upn_key(upn, birth_date) AS key FROM held
WHERE birth_date IS NOT NULL AND upn_key(upn, birth_date) IS NOT NULL
UNION ALL
SELECT DISTINCT 4, record, name_key(surname, forename, birth_date, postcode) FROM held
WHERE name_key(surname, forename, birth_date, postcode) IS NOT NULL;

CREATE TABLE known_student AS  -- a migrated id counts when any Capita One feed holds it
SELECT DISTINCT migrated_id AS student_id FROM hub_case
WHERE migrated_id IN (FROM (SELECT student_id FROM student UNION SELECT student_id FROM enrolment
    UNION SELECT student_id FROM provision UNION SELECT student_id FROM need UNION SELECT student_id FROM plan
    UNION SELECT student_id FROM exclusion UNION SELECT student_id FROM home_education
    UNION SELECT id("Student ID") FROM raw_ehcp_assessments UNION SELECT id("Student ID") FROM raw_attendance));

-- The first rule that finds anybody decides; when it finds two students, the record is linked to nobody.
CREATE TABLE direct AS
WITH candidate AS (
    SELECT 1 AS rule, 'C' || case_reference AS record, migrated_id AS student_id
    FROM hub_case WHERE migrated_id IN (FROM known_student)
    UNION ALL
    SELECT rule, record, student_id FROM other_key JOIN student_key USING (rule, key)),
first_rule AS (SELECT record, min(rule) AS rule FROM candidate GROUP BY record)
SELECT record, CASE WHEN count(DISTINCT student_id) = 1 THEN any_value(student_id) END AS student_id
FROM candidate JOIN first_rule USING (record, rule) GROUP BY record;

-- The others are linked among themselves, and through one another to a student when all agree on him.
CREATE TABLE circle AS
WITH RECURSIVE pair AS (
    SELECT DISTINCT a.record, b.record AS other FROM other_key a JOIN other_key b USING (rule, key)
    WHERE a.record NOT IN (SELECT record FROM direct)),
reach(record, other) AS (
    SELECT record, record FROM (SELECT DISTINCT record FROM pair)
    UNION SELECT reach.record, pair.other FROM reach JOIN pair ON pair.record = reach.other)
SELECT r.record, min(r.other) FILTER (d.record IS NULL) AS first_record,
    CASE WHEN count(DISTINCT d.student_id) = 1 THEN min(d.student_id) END AS student_id
FROM reach r LEFT JOIN direct d ON d.record = r.other GROUP BY r.record;

CREATE TABLE hub_person AS
WITH who AS (
    SELECT h.*, coalesce(d.student_id, c.student_id) AS student_id,
        min(case_reference) OVER (PARTITION BY coalesce(c.first_record, 'C' || case_reference)) AS first_case
    FROM hub_case h LEFT JOIN direct d ON d.record = 'C' || case_reference
    LEFT JOIN circle c ON c.record = 'C' || case_reference)
SELECT coalesce(student_id, 'HUB-' || first_case) AS person_id, who.* FROM who;

CREATE TABLE care_person AS
SELECT coalesce(d.student_id, c.student_id, h.person_id) AS person_id, care.*
FROM care LEFT JOIN direct d ON d.record = 'P' || care_id LEFT JOIN circle c ON c.record = 'P' || care_id
LEFT JOIN (SELECT DISTINCT c.first_record, person_id FROM circle c JOIN hub_person ON c.record = 'C' || case_reference)
    h ON h.first_record = c.first_record
WHERE is_open(start_date, end_date);

-- Who is on which list ------------------------------------------------------------------------------
-- A plan without an initial date is open at known_at until it ceases. At an earlier month end it counts from the first
-- thing that tells of it. A hub review of a child with plans in Capita One is of the one that stands at known_at.
CREATE MACRO known_at() AS getvariable('known_at')::DATE;
CREATE TABLE meeting AS
SELECT plan_id, meeting_date FROM review
UNION ALL
SELECT plan_id, meeting_date FROM (
    FROM plan QUALIFY row_number() OVER (PARTITION BY student_id ORDER BY
        coalesce(initial_date, known_at()) <= known_at() AND coalesce(cease_date > known_at(), true) DESC,
        initial_date DESC NULLS LAST, updated_date DESC NULLS LAST, plan_id DESC) = 1) AS standing
JOIN hub_person h ON h.person_id = standing.student_id JOIN hub_review USING (case_reference);

CREATE TABLE first_told AS
SELECT plan_id, least(min(updated_date), min(meeting_date), min(day("Date Final Issued")), known_at()) AS told_date
FROM plan LEFT JOIN meeting USING (plan_id)
LEFT JOIN raw_ehcp_assessments a ON id(a."Involvement ID") = involvement_id
WHERE initial_date IS NULL GROUP BY plan_id;

CREATE TABLE open_plan AS
SELECT student_id AS person_id, plan_id, NULL AS case_reference, initial_date AS initial_plan_date,
    CASE WHEN updated_date > initial_date THEN updated_date END AS updated_plan_date
FROM plan LEFT JOIN first_told USING (plan_id)
WHERE is_open(coalesce(initial_date, told_date), cease_date) AND student_id IS NOT NULL
QUALIFY row_number() OVER (
    PARTITION BY student_id ORDER BY initial_date DESC NULLS LAST, updated_date DESC NULLS LAST, plan_id DESC) = 1
UNION ALL
SELECT person_id, NULL, case_reference, final_date, CASE WHEN final_date IS NOT NULL THEN amended_date END
FROM hub_person LEFT JOIN (SELECT case_reference, min(meeting_date) AS met_date FROM hub_review GROUP BY 1)
    USING (case_reference)
WHERE is_open(
        CASE WHEN is_undated THEN least(amended_date, met_date, known_at()) ELSE final_date END,
        closed_date)
    AND NOT EXISTS (FROM plan WHERE plan.student_id = person_id)
QUALIFY row_number() OVER (
    PARTITION BY person_id ORDER BY final_date DESC NULLS LAST, amended_date DESC NULLS LAST, case_reference DESC) = 1;

CREATE TABLE sen_support AS
SELECT DISTINCT person_id FROM (SELECT student_id AS person_id FROM provision
    WHERE provision = 'K' AND is_open(start_date, end_date))
JOIN enrolment e ON e.student_id = person_id AND e.status IN ('C', 'M', 'F', 'O')
    AND is_open(e.entry_date, e.leaving_date)
LEFT JOIN establishment USING (urn)
WHERE la_code = getvariable('la_code') OR NOT getvariable('has_gias');

CREATE TABLE person AS
SELECT list_no, person_id FROM (
    SELECT 1 AS list_no, person_id FROM open_plan
    UNION ALL SELECT 2, person_id FROM sen_support WHERE person_id NOT IN (SELECT person_id FROM open_plan))
WHERE person_id NOT IN (SELECT student_id FROM student WHERE death_date <= as_at());

-- What is known of them -----------------------------------------------------------------------------
CREATE TABLE hub_fact AS  -- what the hub fills: from the case of the open plan, else of the latest plan, else of the latest request
SELECT person_id, first(upn ORDER BY place) FILTER (upn IS NOT NULL) AS upn,
    first(birth_date ORDER BY place) FILTER (birth_date IS NOT NULL) AS birth_date,
    first(sex ORDER BY place) FILTER (sex IS NOT NULL) AS sex,
    first(need ORDER BY place) FILTER (need IS NOT NULL) AS need
FROM (
    SELECT h.*, row_number() OVER (PARTITION BY h.person_id
        ORDER BY (p.case_reference IS NULL), final_date DESC NULLS LAST, request_date DESC, h.case_reference) AS place
    FROM hub_person h LEFT JOIN open_plan p ON p.case_reference = h.case_reference)
GROUP BY person_id;

CREATE TABLE primary_need AS
SELECT student_id AS person_id, need
FROM need WHERE is_open(coalesce(start_date, as_at()), end_date)  -- a need without a start is held now
QUALIFY row_number() OVER (PARTITION BY student_id ORDER BY rank NULLS LAST, start_date DESC, sen_type) = 1;

CREATE TABLE school AS
SELECT student_id AS person_id, status = 'S' AS is_subsidiary, urn, phase
FROM enrolment LEFT JOIN establishment USING (urn)
WHERE is_open(entry_date, leaving_date) AND status IN ('C', 'M', 'F', 'O', 'S')
QUALIFY row_number() OVER (PARTITION BY student_id, status = 'S' ORDER BY
    CASE status WHEN 'F' THEN 2 WHEN 'O' THEN 3 ELSE 1 END, entry_date DESC, urn) = 1;

CREATE TABLE last_review AS
SELECT person_id, max(meeting_date) AS last_review_date FROM (
    SELECT person_id, r.meeting_date FROM open_plan JOIN review r USING (plan_id)
    UNION ALL
    SELECT p.person_id, r.meeting_date FROM open_plan p JOIN hub_person h ON h.person_id = p.person_id
        AND (p.plan_id IS NOT NULL OR p.case_reference = h.case_reference)
    JOIN hub_review r ON r.case_reference = h.case_reference)
WHERE meeting_date <= as_at() GROUP BY person_id;

CREATE TABLE excluded AS
SELECT student_id AS person_id, count(*) FILTER (category = 'SUSP') AS suspensions,
    count(*) FILTER (category = 'PERM') AS permanent
FROM exclusion WHERE in_window(start_date) GROUP BY student_id;

CREATE TABLE absence AS
WITH week AS (
    SELECT id("Student ID") AS person_id, arg_max({
        possible: whole("Sessions Possible"),
        missed: coalesce(whole("Authorised Absence"), 0) + coalesce(whole("Unauthorised Absence"), 0)}, rowid) AS sessions
    FROM raw_attendance
    WHERE in_window(day("Week Commencing")) AND id("Student ID") IS NOT NULL
    GROUP BY person_id, id("URN"), day("Week Commencing")),
total AS (
    SELECT person_id, sum(sessions.possible)::BIGINT AS possible, sum(sessions.missed)::BIGINT AS missed
    FROM week GROUP BY person_id HAVING sum(sessions.possible) > 0)
SELECT person_id, floor((2000 * missed + possible) / (2 * possible)) / 10 AS absence_pct FROM total;  -- half up

CREATE TABLE care_team AS
SELECT person_id, team FROM care_person WHERE person_id IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY person_id ORDER BY coalesce(list_position(['CLA', 'CPP', 'CIN', 'CL', 'EH'], status), 9),
    start_date DESC, team) = 1;

CREATE TABLE list_row AS
SELECT list_no, person_id AS unique_id, coalesce(s.upn, h.upn) AS upn, s.uln,
    coalesce(s.birth_date, h.birth_date) AS birth_date,
    CASE coalesce(s.sex, h.sex)
        WHEN 'M' THEN 'Male' WHEN 'F' THEN 'Female' WHEN 'U' THEN 'Not known' ELSE 'Not specified' END AS gender,
    coalesce(s.ethnicity, 'UNKNOWN') AS ethnicity,
    initial_plan_date, updated_plan_date, last_review_date, coalesce(n.need, h.need) AS primary_need,
    main.urn AS main_urn, main.phase AS main_phase, sub.phase AS subsidiary_phase,
    CASE WHEN person_id IN (SELECT student_id FROM home_education WHERE is_open(start_date, end_date))
        THEN 'Yes' WHEN getvariable('has_home_education') THEN 'No' END AS elective_home_education,
    CASE WHEN getvariable('has_exclusions') THEN coalesce(suspensions, 0) END AS suspension_count,
    CASE WHEN getvariable('has_exclusions') THEN coalesce(permanent, 0) END AS permanent_exclusion_count,
    CASE WHEN getvariable('has_absence') THEN absence_pct END AS absence_pct, pupil_premium,
    CASE WHEN c.person_id IS NOT NULL THEN 'Yes' WHEN getvariable('has_care') THEN 'No' END AS known_to_social_care,
    c.team AS social_care_team, coalesce(disability, 'Unknown') AS disability
FROM person LEFT JOIN student s ON s.student_id = person_id
LEFT JOIN hub_fact h USING (person_id)
LEFT JOIN open_plan USING (person_id) LEFT JOIN last_review USING (person_id)
LEFT JOIN primary_need n USING (person_id)
LEFT JOIN school main ON main.person_id = person.person_id AND NOT main.is_subsidiary
LEFT JOIN school sub ON sub.person_id = person.person_id AND sub.is_subsidiary
LEFT JOIN excluded USING (person_id) LEFT JOIN absence USING (person_id) LEFT JOIN care_team c USING (person_id);

CREATE TABLE list_1 AS SELECT * EXCLUDE (list_no) FROM list_row WHERE list_no = 1 ORDER BY unique_id;
CREATE TABLE list_2 AS
SELECT * EXCLUDE (list_no, initial_plan_date, updated_plan_date, last_review_date, elective_home_education)
FROM list_row WHERE list_no = 2 ORDER BY unique_id;

-- The lettered style: a code's place in its list. What has no place (DS) stays plain.
CREATE MACRO lettered(codes, x) AS
    CASE WHEN list_position(codes, x) > 0 THEN chr((96 + list_position(codes, x))::INTEGER) || ') ' || x ELSE x END;
CREATE MACRO ethnicity_codes() AS ['WBRI', 'WIRI', 'WIRT', 'WOTH', 'WROM', 'MWBC', 'MWBA', 'MWAS', 'MOTH', 'AIND', 'APKN',
    'ABAN', 'AOTH', 'BCRB', 'BAFR', 'BOTH', 'CHNE', 'OOTH', 'REFU', 'NOBT', 'UNKNOWN'];
CREATE MACRO need_codes() AS ['SPLD', 'MLD', 'SLD', 'PMLD', 'SEMH', 'SLCN', 'HI', 'VI', 'MSI', 'PD', 'ASD', 'OTH'];
CREATE MACRO phases() AS ['Nursery', 'Primary', 'Middle (deemed primary)', 'Middle (deemed secondary)', 'Secondary',
    'All-through', 'Special', 'Pupil referral unit/Alternative provision', 'FE college'];
CREATE VIEW list_2_lettered AS SELECT * REPLACE (
    lettered(['Male', 'Female', 'Not known', 'Not specified'], gender) AS gender,
    lettered(ethnicity_codes(), ethnicity) AS ethnicity, lettered(need_codes(), primary_need) AS primary_need,
    lettered(phases(), main_phase) AS main_phase, lettered(phases(), subsidiary_phase) AS subsidiary_phase,
    lettered(['Yes', 'No'], pupil_premium) AS pupil_premium,
    lettered(['Yes', 'No'], known_to_social_care) AS known_to_social_care,
    lettered(['Yes', 'No', 'Unknown'], disability) AS disability) FROM list_2;
CREATE VIEW list_1_lettered AS SELECT * REPLACE (
    lettered(['Male', 'Female', 'Not known', 'Not specified'], gender) AS gender,
    lettered(ethnicity_codes(), ethnicity) AS ethnicity, lettered(need_codes(), primary_need) AS primary_need,
    lettered(phases(), main_phase) AS main_phase, lettered(phases(), subsidiary_phase) AS subsidiary_phase,
    lettered(['Yes', 'No'], elective_home_education) AS elective_home_education,
    lettered(['Yes', 'No'], pupil_premium) AS pupil_premium,
    lettered(['Yes', 'No'], known_to_social_care) AS known_to_social_care,
    lettered(['Yes', 'No', 'Unknown'], disability) AS disability) FROM list_1;
