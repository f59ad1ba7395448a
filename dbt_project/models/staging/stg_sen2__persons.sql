{{ config(materialized='ephemeral') }}

select
    feed.return_year,
    feed.reference_date,
    try_cast(feed.person_table_id as bigint) as person_table_id,
    feed.order_seq,
    feed.surname,
    feed.forename,
    feed.person_birth_date,
    feed.sex,
    feed.ethnicity,
    feed.post_code,
    feed.upn,
    feed.unique_learner_number,
    feed.upn_unknown
from {{ source('raw', 'sen2__persons') }} as feed
