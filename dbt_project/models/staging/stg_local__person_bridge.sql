-- Who is meant by the key of another system; ephemeral, since most councils have none.
{{ config(materialized='ephemeral') }}

select
    feed.system as other_system,
    feed.other_id,
    feed.student_id,
    feed.upn
from {{ source('raw', 'local__person_bridge') }} as feed
