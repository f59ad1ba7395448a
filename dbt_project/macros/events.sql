{#
    Feed and record behind an id that either case system may have given: the hub's begin with HUB-, those of a SEN2 return
    that is a source with SEN2-.
#}
{% macro case_source(id, capita_one, ehc_hub, sen2) -%}
    {%- set one_feed, one_key = capita_one -%}
    {%- set hub_feed, hub_key = ehc_hub -%}
    {%- set feed -%}
    if(starts_with({{ id }}, 'HUB-'), 'ehc_hub.{{ hub_feed }}', 'capita_one.{{ one_feed }}')
    {%- endset -%}
    {%- set record -%}
    if(
        starts_with({{ id }}, 'HUB-'), '{{ hub_key }}=' || substr({{ id }}, 5), '{{ one_key }}=' || {{ id }}
    )
    {%- endset -%}
    {%- if does_return_speak() %}
    {%- set sen2_feed, sen2_key = sen2 -%}
    if(starts_with({{ id }}, 'SEN2-'), 'sen2.{{ sen2_feed }}', {{ feed }}) as source_feed,
    if(starts_with({{ id }}, 'SEN2-'), '{{ sen2_key }}=' || substr({{ id }}, 6), {{ record }}) as source_record
    {%- else %}
    {{ feed }} as source_feed,
    {{ record }} as source_record
    {%- endif %}
{%- endmacro %}

{% macro request_source(id) -%}
    {{ case_source(id, ('ehcp_assessments', 'involvement_id'), ('cases', 'case_reference'), ('requests', 'requests_table_id')) }}
{%- endmacro %}

{% macro plan_source(id='plan_id') -%}
    {{ case_source(id, ('ehc_plans', 'plan_id'), ('cases', 'case_reference'), ('named_plans', 'named_plan_table_id')) }}
{%- endmacro %}

{# The feed of a record that is of Capita One or, where it is a source, of a SEN2 return. #}
{% macro feed_of_student(one_feed, sen2_feed) -%}
    {%- if does_return_speak() -%}
    if(starts_with(student_id, 'SEN2-'), 'sen2.{{ sen2_feed }}', 'capita_one.{{ one_feed }}')
    {%- else -%}
    'capita_one.{{ one_feed }}'
    {%- endif -%}
{%- endmacro %}

{% macro review_source(id='review_id') -%}
    {{ case_source(id, ('annual_reviews', 'review_id'), ('reviews', 'review_reference'), ('active_plans', 'active_plans_table_id')) }}
{%- endmacro %}
