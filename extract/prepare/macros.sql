-- What the SELECT of a preparation may call. Each has one example, which a test runs: `-- >` is what is asked, `-- =`
-- what comes of it. Values of sources are text.

-- The first that holds something.
-- > first_filled(['', ' ', 'ASD'])
-- = ASD
CREATE MACRO first_filled(held) AS
    list_filter(held, lambda each: trim(coalesce(each, '')) <> '')[1];

-- Columns that stand side by side, as rows: put it in unnest(). Of each: place, from 1, and value; blank ones are left
-- out. Of several that belong together see all_filled.
-- > unnest(side_by_side(['', 'ASD'])).value
-- = ASD
CREATE MACRO side_by_side(held) AS
    list_filter(
        list_transform(held, lambda each, place: {place: place, value: nullif(trim(each), '')}),
        lambda each: each.value IS NOT NULL
    );

-- The value of a code list in words, whatever its case and the spaces around it; a value that the list has not is left
-- as it is, so that the crosswalk asks for it.
-- > code_of(' In progress', MAP {'in progress': 'P', 'Finished': 'F'})
-- = P
CREATE MACRO code_of(said, list) AS
    coalesce(
        map_from_entries(
            list_transform(
                map_entries(list), lambda each: {key: lower(trim(each.key)), value: each.value}
            )
        )[lower(trim(said))],
        said
    );

-- A date in any usual writing, day first, or as the number by which Excel keeps a day, as YYYY-MM-DD, which compares as
-- dates do. What is no date is left as it is, so that it is told. Without comparing, dates may stay as they are written.
-- > any_date('Mon 16th Sept. 2026')
-- = 2026-09-16
CREATE MACRO any_date(said) AS
    coalesce(
        CASE
            WHEN regexp_full_match(trim(said), '[2-5][0-9]{4}(\.[0-9]+)?')
                THEN (DATE '1899-12-30' + floor(trim(said)::DOUBLE)::INTEGER)::VARCHAR
            ELSE try_strptime(
                regexp_replace(
                    regexp_replace(
                        regexp_replace(
                            replace(lower(trim(said)), ',', ' '),
                            '^(mon|tues?|weds?|wednes|thur?s?|fri|sat|satur|sun)(day)?\.? +', ''
                        ),
                        '\b(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?', '\1'
                    ),
                    '\b([0-9]{1,2})(st|nd|rd|th)\b', '\1'
                ),
                [
                    '%d/%m/%Y', '%Y-%m-%d', '%Y-%m-%d %H:%M:%S', '%d-%m-%Y', '%d/%m/%Y %H:%M:%S', '%d/%m/%Y %H:%M',
                    '%Y-%m-%dt%H:%M:%S', '%Y-%m-%d %H:%M', '%d-%b-%Y', '%d %b %Y', '%d.%m.%Y', '%Y/%m/%d', '%Y%m%d',
                    '%b %d %Y', '%b %d  %Y', '%d %b  %Y', '%Y-%b-%d', '%d-%b-%Y %H:%M:%S', '%d.%m.%Y %H:%M', '%d%b%Y'
                ]
            )::DATE::VARCHAR
        END,
        said
    );

-- The surname of a full name: what stands before the comma, else the last word.
-- > surname_of('SMITH-JONES, Ann Marie')
-- = SMITH-JONES
CREATE MACRO surname_of(said) AS
    nullif(trim(CASE WHEN contains(said, ',') THEN split_part(said, ',', 1)
        ELSE regexp_extract(trim(said), '(\S+)$', 1) END), '');

-- The forenames of a full name: what stands behind the comma, else all words but the last.
-- > forenames_of('Ann Marie Smith')
-- = Ann Marie
CREATE MACRO forenames_of(said) AS
    nullif(trim(CASE WHEN contains(said, ',') THEN split_part(said, ',', 2)
        ELSE regexp_replace(trim(said), '\s*\S+$', '') END), '');

-- A key for rows that have none, steady from night to night: the same columns give the same key.
-- > steady_key(['A123', '2026-11-16'])
-- = 2842945a00d4b0a0
CREATE MACRO steady_key(held) AS
    left(
        md5(array_to_string(list_transform(held, lambda each: upper(trim(coalesce(each, '')))), chr(31))),
        16
    );

-- The URN of a DfE number: seven digits, as 888/4001 or 8884001, or four and the LA's number. Of several establishments
-- that have had the number, the open one. `gias` is the feed of GIAS in use.
-- > urn_of('888/4001', NULL)
-- = 100001
CREATE MACRO urn_of(number, la) AS (
    SELECT urn FROM gias
    WHERE nullif(la_code, '') || lpad(nullif(establishment_number, ''), 4, '0')
        = CASE WHEN length(regexp_replace(number, '[^0-9]', '', 'g')) = 7 THEN regexp_replace(number, '[^0-9]', '', 'g')
            ELSE la || lpad(regexp_replace(number, '[^0-9]', '', 'g'), 4, '0') END
    ORDER BY status_code = '1' DESC, open_date DESC NULLS LAST, urn
    LIMIT 1
);
