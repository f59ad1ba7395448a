{#
    Of several systems' values for one fact, the one that seeds/spec/survivorship.csv puts first; the next fills
    what the first lacks. A system that is not named there does not count. `values` is a value by system.
#}
{% macro survive(fact, values) -%}
    coalesce(
        {%- for place in ['first', 'second', 'third'] %}
        case (select rule.{{ place }}_source from {{ ref('survivorship') }} as rule where rule.fact = '{{ fact }}')
            {%- for system, value in values.items() %}
            when '{{ system }}' then {{ value }}
            {%- endfor %}
        end{{ ',' if not loop.last or 'sen2' in values }}
        {%- endfor %}
        -- A return is the oldest of what is known.
        {{ values['sen2'] if 'sen2' in values }}
    )
{%- endmacro %}

{#
    The place of a row's system among those that seeds/spec/survivorship.csv names for a fact; blank: it does not count. A
    SEN2 return that is a source comes last.
#}
{% macro source_place(fact, source_system) -%}
    {%- set place -%}
    list_position(
        (
            select [rule.first_source, rule.second_source, rule.third_source]
            from {{ ref('survivorship') }} as rule
            where rule.fact = '{{ fact }}'
        ),
        {{ source_system }}
    )
    {%- endset -%}
    {{ "coalesce(" ~ place ~ ", if(" ~ source_system ~ " = 'sen2', 9, null))" if does_return_speak() else place }}
{%- endmacro %}

{#
    Whether a row of a person counts: none of a system with a better place says what is so at D. `place` is the column of
    its source_place, `is_current` whether it says what is so at D. What a better system holds of the past stays.
#}
{% macro is_of_who_speaks(place, is_current) -%}
    (
        person_id is null
        or {{ place }} <= coalesce(
            min({{ place }}) filter (where {{ is_current }}) over (partition by person_id),
            min({{ place }}) over (partition by person_id)
        )
    )
{%- endmacro %}

{# The primary need of a person: of the needs of Capita One, the school census or a SEN2 return, whichever counts, and of the hub. #}
{% macro primary_need(needs, hub_need) -%}
    {{ survive('primary_need', with_return({
        'capita_one': "if(" ~ needs ~ ".source_system in ('census', 'sen2'), null, " ~ needs ~ ".sen_type_code)",
        'ehc_hub': hub_need,
        'census': "if(" ~ needs ~ ".source_system = 'census', " ~ needs ~ ".sen_type_code, null)",
    }, "if(" ~ needs ~ ".source_system = 'sen2', " ~ needs ~ ".sen_type_code, null)")) }}
{%- endmacro %}

{# Where a person is enrolled, or the placement that the hub names. #}
{% macro placement(enrolled_urn, hub_urn) -%}
    {{ survive('placement', {'capita_one': enrolled_urn, 'ehc_hub': hub_urn}) }}
{%- endmacro %}
