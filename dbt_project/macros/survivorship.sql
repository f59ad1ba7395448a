{#
    Of two systems' values for one fact, the one that seeds/spec/survivorship.csv puts first; the second fills
    what the first lacks. A blank second source means: leave it blank.
#}
{% macro survive(fact, capita_one, ehc_hub) -%}
    {%- set rule -%}from {{ ref('survivorship') }} as rule where rule.fact = '{{ fact }}'{%- endset -%}
    coalesce(
        case (select rule.first_source {{ rule }}) when 'capita_one' then {{ capita_one }} when 'ehc_hub' then {{ ehc_hub }} end,
        case (select rule.second_source {{ rule }}) when 'capita_one' then {{ capita_one }} when 'ehc_hub' then {{ ehc_hub }} end
    )
{%- endmacro %}
