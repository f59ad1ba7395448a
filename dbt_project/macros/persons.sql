{# The person behind a system's own id. Facts keep the record when no person is known, so nobody disappears. #}
{% macro person_join(source_system, id, alias='person') -%}
    left join {{ ref('int_person_records__linked') }} as {{ alias }}
        on {{ alias }}.source_system = '{{ source_system }}' and {{ alias }}.source_id = {{ id }}
{%- endmacro %}

{#
    Whether a feed was ever accepted with a data date on or before D and, of `columns`, the file in use has all. What a
    feed or a column would hold that never came is not known, which is neither "no" nor 0.
#}
{% macro was_ever_received(feed, columns=[]) -%}
    coalesce((
        select
            bool_or(
                feeds.was_ever_received
                {%- for column in columns %}
                and not list_contains(string_split(coalesce(feeds.columns_missing, ''), '; '), '{{ column }}')
                {%- endfor %}
            )
        from {{ ref('stg_send_ready__feeds') }} as feeds
        where feeds.feed = '{{ feed }}'
    ), false)
{%- endmacro %}

{# From when the plan of a hub case counts at a day, if it has one: of a plan without a date, whenever it is asked. #}
{% macro hub_plan_start(cases, day) -%}
    if({{ cases }}.has_undated_plan, {{ day }}, {{ cases }}.final_plan_issued_date)
{%- endmacro %}

{#
    Whether the social care feed can tell who is known to it: it came, and with what links its records to children, a
    date of birth and either UPN or name and postcode.
#}
{% macro is_social_care_known() -%}
    (
        {{ was_ever_received('social_care.involvements', ['date_of_birth', 'upn']) }}
        or {{ was_ever_received(
            'social_care.involvements', ['date_of_birth', 'first_name', 'last_name', 'postcode']
        ) }}
        -- The ILACS lists hold neither UPN nor name: only with a bridge can they tell.
        or (
            {{ was_ever_received('ilacs.involvements') }}
            and exists (
                select 1
                from {{ ref('int_social_care__ranked') }} as bridged
                where bridged.source_system = 'ilacs' and not starts_with(bridged.person_id, 'SC-')
            )
        )
    )
{%- endmacro %}

{#
    The id here of a hub's record: HUB- and its own reference. Where Capita One holds that very id, as a council may
    have taken it over, it says whose it is, so that two records never share one.
#}
{% macro hub_id(reference, is_taken) -%}
    'HUB-' || {{ reference }} || if({{ is_taken }}, ' (EHC Hub)', '')
{%- endmacro %}

{# Involvements of the social care system's own export and of the ILACS lists, whose ids are the same; and which of both. #}
{% macro social_care_involvements() -%}
    (
        select
            social_care_id,
            upn,
            forename,
            surname,
            birth_date,
            postcode,
            social_care_status_code,
            social_care_status_local,
            team,
            start_date,
            end_date,
            'social_care' as source_system
        from {{ ref('stg_social_care__involvements') }}
        union all
        select
            social_care_id,
            upn,
            forename,
            surname,
            birth_date,
            postcode,
            social_care_status_code,
            social_care_status_local,
            team,
            start_date,
            end_date,
            'ilacs' as source_system
        from {{ ref('stg_ilacs__involvements') }}
    )
{%- endmacro %}
