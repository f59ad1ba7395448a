{#
    The SEN2 return that was read: the newest with a reference date on or before D. Where Capita One holds neither plans nor
    requests it is a source of both, and of who has them (`sen2` of the run is `source`); beside Capita One it is only
    compared. Of a night without such a return nothing of this is in the SQL; while dbt parses all of it is.
#}
{% macro does_return_speak() -%}
    {{ return(not execute or var('sen2', '') == 'source') }}
{%- endmacro %}

{# Values of systems for `survive`, with what the return says. #}
{% macro with_return(values, returned) -%}
    {%- if does_return_speak() -%}{%- do values.update({'sen2': returned}) -%}{%- endif -%}
    {{ return(values) }}
{%- endmacro %}

{# The id here of a record of the return. #}
{% macro return_id(number) -%}
    'SEN2-' || {{ number }}
{%- endmacro %}

{# A return is of a day long past: of a person of whom another system holds such a record, its own does not count. #}
{% macro is_not_told_better() -%}
    (
        source_system <> 'sen2'
        or person_id is null
        or not bool_or(source_system <> 'sen2') over (partition by person_id)
    )
{%- endmacro %}

{# Whether a row of a feed of SEN2 is of the newest return with a reference date on or before D. #}
{% macro is_of_newest_return(relation) -%}
    {{ relation }}.return_year = (
        select returns.return_year
        from {{ ref('stg_sen2__persons') }} as returns
        where returns.reference_date <= {{ as_at() }}
        order by returns.reference_date desc, returns.return_year desc
        limit 1
    )
{%- endmacro %}
