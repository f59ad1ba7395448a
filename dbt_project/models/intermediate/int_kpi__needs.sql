{%- set needs -%}
    select
        kpi_id as id,
        feeds as needs
    from {{ ref('kpi_catalogue') }}
    where is_built = 'Y'
{%- endset -%}
-- How needs are written, and when one is met: macros/needs.sql.
select * rename (id as kpi_id)
from (
    {{ needs_taken_apart(needs) }}
) as apart
