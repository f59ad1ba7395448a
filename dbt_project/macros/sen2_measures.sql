{#
    Rows of one module of the return that is made and, where it was read in, of the year before's: return_year and
    `columns`. `feed` is the module's name among the feeds.
#}
{% macro sen2_of_two_years(module, feed, columns) -%}
    {%- set taken = [] -%}
    {%- for column in columns -%}{%- do taken.append('rows_of.' ~ column) -%}{%- endfor -%}
    select
        the_return.survey_year as return_year,
        {{ taken | join(', ') }}
    from {{ ref('sen2_' ~ module) }} as rows_of
    cross join the_return
    union all
    select
        rows_of.return_year,
        {{ taken | join(', ') }}
    from {{ ref('stg_sen2__' ~ feed) }} as rows_of
    inner join the_return on rows_of.return_year = the_return.survey_year - 1
{%- endmacro %}
