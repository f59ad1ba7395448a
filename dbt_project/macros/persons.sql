{# The person behind a system's own id. Facts keep the record when no person is known, so nobody disappears. #}
{% macro person_join(source_system, id, alias='person') -%}
    left join {{ ref('int_person_records__linked') }} as {{ alias }}
        on {{ alias }}.source_system = '{{ source_system }}' and {{ alias }}.source_id = {{ id }}
{%- endmacro %}

{# Whether a feed was ever accepted with a data date on or before D. #}
{% macro was_ever_received(feed) -%}
    coalesce((
        select bool_or(feeds.was_ever_received)
        from {{ ref('stg_send_ready__feeds') }} as feeds
        where feeds.feed = '{{ feed }}'
    ), false)
{%- endmacro %}

{# From when the plan of a hub case counts at a day, if it has one: of a plan without a date, whenever it is asked. #}
{% macro hub_plan_start(cases, day) -%}
    if({{ cases }}.has_undated_plan, {{ day }}, {{ cases }}.final_plan_issued_date)
{%- endmacro %}
