{{ config(tags=['sen2']) }}
{%- set asked = "try_cast(nullif('" ~ var('sen2_year', '') ~ "', '') as integer)" -%}
-- Which return is made: of the year asked for (variable sen2_year), else the one that is due next.
with surveys as (
    select
        years.survey_year,
        coalesce(try_cast(held.survey_day as date), {{ thursday('years.survey_year', 1, 3) }}) as survey_day,
        coalesce(try_cast(held.due_day as date), {{ thursday('years.survey_year', 3, 2) }}) as due_day
    from (
        select cast(unnest(
            if({{ asked }} is null, [year({{ as_at() }}), year({{ as_at() }}) + 1], [{{ asked }}])
        ) as integer) as survey_year
    ) as years
    left join {{ ref('sen2_surveys') }} as held on years.survey_year = try_cast(held.survey_year as integer)
),

chosen as (
    select * from surveys
    where {{ asked }} is not null or due_day >= {{ as_at() }}
    qualify row_number() over (order by due_day) = 1
),

left_out as (
    select elements.module || '.' || elements.column_name as module_column
    from {{ ref('sen2_elements') }} as elements
    cross join chosen
    group by module_column
    having not bool_or(
        chosen.survey_year between coalesce(try_cast(elements.first_year as integer), 0)
        and coalesce(try_cast(elements.last_year as integer), 9999)
    )
)

select
    survey_year,
    survey_day,
    due_day,
    least({{ as_at() }}, survey_day) as reference_day,
    make_date(survey_year - 1, 1, 1) as window_start,
    least({{ as_at() }}, make_date(survey_year - 1, 12, 31)) as window_end,
    {{ as_at() }} < survey_day as is_draft,
    coalesce((select list(module_column order by module_column) from left_out), []) as columns_left_out
from chosen
