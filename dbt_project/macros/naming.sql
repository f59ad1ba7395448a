{#
    Who and where a record means that does not say so by Student ID and URN. extract/fit.py gives such a record an ID that
    begins UPN-, KEY- or DFE-; here it becomes the student's or the establishment's own, where that is beyond doubt. Of a
    feed whose file says it all by itself nothing of this is in the SQL; while dbt
    parses (`not execute`) all of it is, so that it knows what depends on what.
#}

{# Whether the file in use of a feed has one of some quiet columns: `besides` of the run says which it has. #}
{% macro has_come(feed, columns) -%}
    {{ return(columns | select('in', var('besides', {})[feed] or []) | list | length > 0) }}
{%- endmacro %}

{# Whether any feed names somebody by a UPN or by the key of another system. #}
{% macro is_anybody_named_otherwise() -%}
    {%- set found = namespace(is_so=false) -%}
    {%- for feed in var('besides', {}) -%}
    {%- if has_come(feed, ['upn', 'other_id']) -%}{%- set found.is_so = true -%}{%- endif -%}
    {%- endfor -%}
    {{ return(found.is_so) }}
{%- endmacro %}

{# Whether social care names students, or a bridge came that may say whom the records of other systems are of. #}
{% macro are_records_named() -%}
    {{ return(
        has_come('social_care__involvements', ['student_id']) or has_come('local__person_bridge', ['student_id', 'upn'])
    ) }}
{%- endmacro %}

{# The ID of whom only a UPN is known (extract/fit.py, upn_key). #}
{% macro upn_key(upn) -%}
    'UPN-' || left(sha256({{ upn }}), 16)
{%- endmacro %}

{#
    Students by such an ID: columns named_by and student_id. A UPN names who has it now; else who had it. One that two
    students have names neither, nor does one without its check letter. A key of another system names whom the bridge
    says, by Student ID or UPN; one that the bridge says of two children names neither.
#}
{% macro students_by_name() -%}
    {%- set students, bridge = source('raw', 'capita_one__students'), source('raw', 'local__person_bridge') -%}
    (
        with upns as (
            select
                {{ upn_key('compared_upn') }} as named_by,
                min(student_id) as student_id
            from (
                {%- for column in ['upn', 'former_upn'] %}
                select
                    student_id,
                    {{ loop.index }} as upn_order,
                    {{ compared_upn(column) }} as compared_upn
                from {{ students }}
                {{ 'union all' if not loop.last }}
                {%- endfor %}
            ) as held
            where {{ is_valid_upn('compared_upn') }}
            group by compared_upn, upn_order
            having count(distinct student_id) = 1 or upn_order = 1
            qualify
                row_number() over (partition by named_by order by upn_order) = 1 and count(distinct student_id) = 1
        ),

        bridged as (
            select
                keys.named_by,
                coalesce(keys.student_id, upns.student_id, keys.upn_key) as student_id
            from (
                select
                    unnest([
                        'KEY-' || upper(trim(system)) || '-' || other_id,
                        -- Without its system a key says something only where there is but one.
                        if(systems.system_count = 1, 'KEY-' || other_id, null)
                    ]) as named_by,
                    student_id,
                    {{ upn_key(compared_upn('upn')) }} as upn_key
                from {{ bridge }}
                cross join (select count(distinct upper(trim(system))) as system_count from {{ bridge }}) as systems
            ) as keys
            left join upns on keys.upn_key = upns.named_by
        )

        select
            named_by,
            student_id
        from upns
        union all
        select
            named_by,
            min(student_id) as student_id
        from bridged
        where student_id is not null and named_by is not null
        group by named_by
        having count(distinct student_id) = 1
    )
{%- endmacro %}

{#
    Establishments by DfE number, authority and number in seven digits: columns named_by and urn. A school that became an
    academy has the number of the one before: the open one counts, then the one that opened last.
#}
{% macro establishments_by_number() -%}
    (
        select
            'DFE-' || lpad(la_code, 3, '0') || lpad(establishment_number, 4, '0') as named_by,
            urn
        from {{ source('raw', 'gias__establishments') }}
        where establishment_number is not null
        qualify
            row_number() over (
                partition by la_code, lpad(establishment_number, 4, '0')
                order by
                    coalesce(close_date <= {{ as_at() }}, {{ without_leading_zeros('status_code') }} = '2', false),
                    coalesce(open_date > {{ as_at() }}, {{ without_leading_zeros('status_code') }} = '4', false),
                    open_date desc nulls last,
                    urn desc
            ) = 1
    )
{%- endmacro %}

{#
    The records of a feed, each with the Student ID and URN that it means, if it is known, in columns `student` and `urn`.
    `key` is the feed's: two names may turn out to be of one student, and then the later line counts.
#}
{% macro records_of(feed, key, student='student_id', urn=none) -%}
    {%- set records = source('raw', feed) -%}
    {%- set is_named = student and has_come(feed, ['upn', 'other_id']) -%}
    {%- set is_numbered = urn and has_come(feed, ['dfe_number', 'named_dfe_number', 'named_placement_dfe_number']) -%}
    {%- if not (is_named or is_numbered) -%}
    {{ records }}
    {%- else -%}
    (
        select *
        from (
            select
                records.* replace (
                    {{ 'coalesce(named.student_id, records.' ~ student ~ ') as ' ~ student if is_named }}
                    {{- ',' if is_named and is_numbered }}
                    {{ 'coalesce(placed.urn, records.' ~ urn ~ ') as ' ~ urn if is_numbered }}
                )
            from {{ records }} as records
            {%- if is_named %}
            left join {{ students_by_name() }} as named on records.{{ student }} = named.named_by
            {%- endif %}
            {%- if is_numbered %}
            -- Four digits are of the home authority.
            left join {{ establishments_by_number() }} as placed
                on
                    if(
                        regexp_full_match(records.{{ urn }}, 'DFE-[0-9]{4}'),
                        'DFE-{{ var("la_code") }}' || substr(records.{{ urn }}, 5),
                        records.{{ urn }}
                    ) = placed.named_by
            {%- endif %}
        ) as resolved
        qualify row_number() over (partition by {{ key | join(', ') }} order by _line_no desc) = 1
    )
    {%- endif -%}
{%- endmacro %}

{#
    A local authority by its three digits, or by its name as the DfE has it, whatever else is said around that: Camden,
    London Borough of Camden. A name that is not known is not known to be another authority: blank, and a rule tells.
#}
{% macro la_code(column, alias) -%}
    if({{ column }} < ':', {{ column }}, {{ alias }}_named.la_code)
{%- endmacro %}

{% macro la_join(column, alias) -%}
    left join (
        select
            min(la_code) as la_code,
            {{ plain_la('la_name') }} as plain_name
        from {{ source('raw', 'councils') }}
        group by plain_name
        having count(*) = 1
    ) as {{ alias }}_named
        on if({{ column }} < ':', null, {{ plain_la(column) }}) = {{ alias }}_named.plain_name
{%- endmacro %}

{% macro plain_la(words) -%}
    {%- set around = 'the|london|royal|metropolitan|borough|county|city|district|unitary|council|of|la|authority|local' -%}
    {%- set bare = "regexp_replace(lower(" ~ words ~ "), '\\b(" ~ around ~ ")\\b', '', 'g')" -%}
    coalesce({{ plain_letters(bare) }}, {{ plain_letters(words) }})
{%- endmacro %}

{#
    Attendance, a row a student, school and week or other period. Where it came a row a mark, attendance_codes.csv says which
    marks are of possible sessions, and which of absence.
#}
{% macro attendance_by_period() -%}
    {%- set records = records_of(
        'capita_one__attendance', ['student_id', 'urn', 'week_commencing', 'attendance_code'], urn='urn'
    ) -%}
    {%- if execute and not has_come('capita_one__attendance', ['attendance_code']) -%}
    {{ records }}
    {%- else -%}
    (
        select
            marks.student_id,
            marks.urn,
            marks.week_commencing,
            max(marks.period_end) as period_end,
            cast(coalesce(
                sum(marks.sessions) filter (where codes.is_possible = 'Y'), max(marks.sessions_possible), 0
            ) as bigint) as sessions_possible,
            {%- for kind, flag in [('authorised', 'Y'), ('unauthorised', 'N')] %}
            cast(coalesce(
                sum(marks.sessions) filter (where codes.is_absence = 'Y' and codes.is_authorised = '{{ flag }}'),
                max(marks.{{ kind }}_absence),
                0
            ) as bigint) as {{ kind }}_absence{{ ',' if not loop.last }}
            {%- endfor %}
        from {{ records }} as marks
        left join {{ ref('attendance_codes') }} as codes on upper(trim(marks.attendance_code)) = codes.code
        group by marks.student_id, marks.urn, marks.week_commencing
    )
    {%- endif -%}
{%- endmacro %}

{# Whether reviews may name a student or an assessment in place of a plan. #}
{% macro are_reviews_of_others() -%}
    {{ return(
        not execute or has_come('capita_one__annual_reviews', ['student_id', 'upn', 'other_id', 'involvement_id'])
    ) }}
{%- endmacro %}

{# Reviews of Capita One in a query that has `plans`: one that names no plan is of its assessment's, else of the student's. #}
{% macro reviews_of_plans() -%}
    {%- if not are_reviews_of_others() -%}
    {{ ref('stg_capita_one__annual_reviews') }}
    {%- else -%}
    (
        select
            reviews.* replace (coalesce(reviews.plan_id, of_case.plan_id, of_student.plan_id) as plan_id)
        from {{ ref('stg_capita_one__annual_reviews') }} as reviews
        left join (
            select
                involvement_id,
                plan_id
            from plans
            where involvement_id is not null
            qualify
                row_number() over (
                    partition by involvement_id order by is_main_plan desc, initial_plan_date desc nulls last, plan_id asc
                ) = 1
        ) as of_case on reviews.involvement_id = of_case.involvement_id
        {{ person_join('capita_one', 'reviews.student_id', alias='reviewed') }}
        left join plans as of_student on reviewed.person_id = of_student.person_id and of_student.is_main_plan
    )
    {%- endif -%}
{%- endmacro %}

{# Whether a plan may be one that a review of Capita One names: of its own; where students are named, also of the hub. #}
{% macro is_plan_of_reviews(plans) -%}
    {{ 'true' if are_reviews_of_others() else plans ~ ".source_system = 'capita_one'" }}
{%- endmacro %}

{# A further condition, where attendance has come by longer periods than weeks: that the row is of a week. #}
{% macro is_of_a_week(relation) -%}
    {%- if not execute or has_come('capita_one__attendance', ['period_start', 'period_end']) -%}
    and not exists (
            select 1
            from {{ ref('stg_capita_one__attendance') }} as periods
            where
                periods.student_id = {{ relation }}.student_id
                and periods.urn is not distinct from {{ relation }}.urn
                and periods.week_commencing_date = {{ relation }}.week_commencing_date
                and coalesce(
                    periods.period_end_date > periods.week_commencing_date + 6,
                    -- A start of a period without its end is of no week.
                    {{ has_come('capita_one__attendance', ['period_start']) | lower }}
                )
        )
    {%- endif -%}
{%- endmacro %}
