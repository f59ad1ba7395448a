-- Lists 2, 6, 7, 8 and 9 of the ILACS workbook. Headings are found by what they say, as tools and councils word them.
WITH listed AS (
    SELECT
        _file, _line, _data_date,
        try_cast(regexp_extract(lower(coalesce(_sheet, _file)), 'list[ _]*([0-9]+)', 1) AS INTEGER) AS list_no,
        map_entries(from_json(to_json(ilacs_annex_a), '"MAP(VARCHAR, VARCHAR)"')) AS cells
    FROM ilacs_annex_a
),

named AS (
    SELECT
        * EXCLUDE (cells),
        -- Cells that say something, under the heading without case and marks.
        list_transform(
            list_filter(cells, lambda cell: coalesce(trim(cell.value), '') NOT IN ('', '#N/A', 'nope')),
            lambda cell: {heading: regexp_replace(lower(cell.key), '[^a-z0-9]+', ' ', 'g'), value: trim(cell.value)}
        ) AS cells
    FROM listed
    WHERE list_no IN (2, 6, 7, 8, 9)
),

read AS (
    SELECT
        *,
        list_filter(cells, lambda cell: regexp_matches(cell.heading, '\bchild\b.*\b(id|identifier)\b|\b(id|identifier)\b.*\bchild\b'))[1].value AS child_id,
        list_filter(cells, lambda cell: regexp_matches(cell.heading, '\bdate\b.*\bbirth\b|\bdob\b'))[1].value AS birth_date,
        lower(list_filter(cells, lambda cell: contains(cell.heading, 'disability'))[1].value) AS disability,
        list_filter(cells, lambda cell: CASE list_no
            WHEN 2 THEN contains(cell.heading, 'assessment start date')
            WHEN 6 THEN contains(cell.heading, 'cin start date')
            WHEN 7 THEN contains(cell.heading, 'plan start date')
            WHEN 8 THEN contains(cell.heading, 'date started to be looked after')
            ELSE false END)[1].value AS start_date,
        list_filter(cells, lambda cell: CASE list_no
            WHEN 2 THEN contains(cell.heading, 'assessment completion date')
            WHEN 6 THEN contains(cell.heading, 'cin closure date')
            WHEN 7 THEN contains(cell.heading, 'plan end date')
            WHEN 8 THEN contains(cell.heading, 'date ceased to be looked after')
            ELSE false END)[1].value AS end_date,
        list_filter(cells, lambda cell: CASE list_no
            WHEN 2 THEN contains(cell.heading, 'organisation completing')
            ELSE contains(cell.heading, 'allocated team') END)[1].value AS team
    FROM named
),

bridges AS (
    SELECT
        trim("Person ID") AS person_id,
        max(nullif(trim("UPN"), '')) AS upn,
        max(nullif(trim("First Name"), '')) AS first_name,
        max(nullif(trim("Last Name"), '')) AS last_name,
        max(nullif(trim("DOB"), '')) AS birth_date,
        max(nullif(trim("Postcode"), '')) AS postcode,
        -- One id of two children is nobody's.
        count(DISTINCT upper(nullif(trim("UPN"), ''))) AS upn_count
    FROM ilacs_bridge
    WHERE nullif(trim("Person ID"), '') IS NOT NULL
    GROUP BY ALL
    HAVING upn_count <= 1
)

SELECT
    concat_ws(' ', read.child_id, 'list', list_no, coalesce(any_date(start_date), 'no start')) AS "Record Id",
    read.child_id AS "Child Unique ID",
    list_no AS "List",
    bridges.upn AS "UPN",
    bridges.first_name AS "First Name",
    bridges.last_name AS "Last Name",
    coalesce(any_date(read.birth_date), bridges.birth_date) AS "Date of Birth",
    bridges.postcode AS "Postcode",
    CASE list_no WHEN 2 THEN 'EH' WHEN 6 THEN 'CIN' WHEN 7 THEN 'CPP' WHEN 8 THEN 'CLA' ELSE 'CL' END AS "Status",
    team AS "Team",
    -- List 9 has no start: who is listed is a care leaver from the day of the workbook, at the latest.
    coalesce(any_date(start_date), CASE WHEN list_no = 9 THEN _data_date END) AS "Start Date",
    any_date(end_date) AS "End Date",
    -- A diagnosis in place of a Yes says Yes as well.
    CASE
        WHEN regexp_matches(disability, '^([a-z]\) *|0?[0-9] *- *)?(unknown|not known|not stated.*|refused|nobt)$') THEN NULL
        WHEN regexp_matches(disability, '^([a-z]\) *|0?[0-9] *- *)?(n|no|none|false|0)$') THEN 'No'
        WHEN disability IS NOT NULL THEN 'Yes'
    END AS "Disability",
    _file,
    _line
FROM read
LEFT JOIN bridges ON read.child_id = bridges.person_id
