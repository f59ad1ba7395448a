with items as (
    select map_from_entries(list((column_name, value))) as held
    from {{ ref('sen2_return_items') }}
)

select
    cast(1 as bigint) as sen2_table_id,
    items.held['collection'] as collection,
    cast(the_return.survey_year as varchar) as year,
    the_return.survey_day as reference_date,
    items.held['source_level'] as source_level,
    '{{ var("la_code") }}' as lea,
    items.held['software_code'] as software_code,
    items.held['release'] as release,
    -- Those of the file that is made of it (publish/sen2).
    cast(null as varchar) as serial_no,
    cast(null as varchar) as date_time,
    items.held['dmo'] as dmo,
    items.held['dco'] as dco,
    {{ of_shape('sen2', 'dsco', "items.held['dsco']") }},
    the_return.due_day,
    the_return.reference_day,
    the_return.window_start,
    the_return.window_end,
    the_return.is_draft,
    {{ run_columns() }}
from items
cross join {{ ref('int_sen2__return') }} as the_return
