{# Feed and record behind an id that either case system may have given: the hub's begin with HUB-. #}
{% macro case_source(id, capita_one, ehc_hub) -%}
    {%- set one_feed, one_key = capita_one -%}
    {%- set hub_feed, hub_key = ehc_hub -%}
    if(starts_with({{ id }}, 'HUB-'), 'ehc_hub.{{ hub_feed }}', 'capita_one.{{ one_feed }}') as source_feed,
    if(
        starts_with({{ id }}, 'HUB-'), '{{ hub_key }}=' || substr({{ id }}, 5), '{{ one_key }}=' || {{ id }}
    ) as source_record
{%- endmacro %}

{% macro request_source(id) -%}
    {{ case_source(id, ('ehcp_assessments', 'involvement_id'), ('cases', 'case_reference')) }}
{%- endmacro %}

{% macro plan_source(id='plan_id') -%}
    {{ case_source(id, ('ehc_plans', 'plan_id'), ('cases', 'case_reference')) }}
{%- endmacro %}

{% macro review_source(id='review_id') -%}
    {{ case_source(id, ('annual_reviews', 'review_id'), ('reviews', 'review_reference')) }}
{%- endmacro %}
