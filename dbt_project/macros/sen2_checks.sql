{#
    Figures of the return of the year before, as far as one was read (feeds sen2.*), under the names of
    int_sen2__measures_frame: columns measure, about, figure and total. No row without one.
#}
{% macro sen2_figures_of_last_year() -%}
    {%- set is_last_year -%}
    return_year = (select survey_year - 1 from {{ ref('int_sen2__return') }})
    {%- endset -%}
    select
        'requests' as measure,
        cast(null as varchar) as about,
        count(*) filter (where year(received_date) = return_year - 1) as figure,
        null as total
    from {{ ref('stg_sen2__requests') }}
    where {{ is_last_year }}
    having count(*) > 0
    union all
    select
        'plans' as measure,
        null as about,
        count(*) as figure,
        null as total
    from {{ ref('stg_sen2__active_plans') }}
    where {{ is_last_year }}
    having count(*) > 0
    union all
    select
        'placement_not_known' as measure,
        null as about,
        count(*) filter (where active_plans_table_id not in (
            select active_plans_table_id
            from {{ ref('stg_sen2__placement_details') }}
            where
                {{ is_last_year }}
                and coalesce(leaving_date > reference_date, true)
                and active_plans_table_id is not null
        )) as figure,
        count(*) as total
    from {{ ref('stg_sen2__active_plans') }}
    where {{ is_last_year }}
    having count(*) > 0
    union all
    select
        'need' as measure,
        sen_type as about,
        count(*) as figure,
        null as total
    from {{ ref('stg_sen2__sen_needs') }}
    where {{ is_last_year }} and sen_type_rank = '1' and sen_type is not null
    group by sen_type
{%- endmacro %}

{# How many of some columns are not blank. #}
{% macro how_many(columns) -%}
    {%- for column in columns -%}
    cast({{ column }} is not null as integer){{ ' + ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
