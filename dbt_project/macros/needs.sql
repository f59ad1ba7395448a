{#
    Needs of the exports, taken apart, and whether they came: of a query of `id` and `needs`, a row a part.

    Needs are separated by semicolons, feeds that stand in for one another by |, and optional columns follow in brackets:
    `one.plans[ended]; one.reviews[met, amended]|hub.reviews[met?, amended]; gias.schools?`. Without a need a figure is
    not known, which is not nought; but a feed that ends in ? it can do without. A feed that came without one of its
    columns spoils the figure, for its rows would count as "not done"; unless the column ends in ?: then its rows do not
    count at all, and a feed that stands in for it may do.

    Columns: id, need, alternative, feed, column_name (blank for the feed itself), was_received, has_come, is_met, is_lacking
    (what to say where the need is not met), data_date, is_stale.
#}
{% macro needs_taken_apart(query) -%}
with needs as (
    select distinct
        id,
        unnest(string_split(needs, '; ')) as need
    from ({{ query }}) as given
    where coalesce(needs, '') <> ''
),

alternatives as (
    select
        id,
        need,
        regexp_matches(need, '^[a-z_.]+[?]') as is_optional,
        unnest(string_split(need, '|')) as alternative
    from needs
),

-- The feed itself is a part without a column.
parts as (
    select distinct
        id,
        need,
        is_optional,
        alternative,
        regexp_extract(alternative, '^[a-z_.]+') as feed,
        unnest(string_split(', ' || regexp_extract(alternative, '[[](.*)[]]', 1), ', ')) as part
    from alternatives
),

came as (
    select
        parts.id,
        parts.need,
        parts.is_optional,
        parts.alternative,
        parts.feed,
        nullif(rtrim(parts.part, '?'), '') as column_name,
        parts.part <> '' and not ends_with(parts.part, '?') as is_spoiling,
        coalesce(feeds.was_ever_received, false) as was_received,
        was_received
        and (
            parts.part = ''
            or not list_contains(string_split(coalesce(feeds.columns_missing, ''), '; '), rtrim(parts.part, '?'))
        ) as has_come,
        feeds.data_date,
        feeds.is_stale
    from parts
    left join {{ ref('stg_send_ready__feeds') }} as feeds on parts.feed = feeds.feed
),

told as (
    select
        *,
        bool_and(has_come) over (partition by id, need, alternative) as can_tell,
        coalesce(
            bool_or(was_received and not has_come) filter (where is_spoiling) over (partition by id, need), false
        ) as is_spoilt
    from came
)

select
    id,
    need,
    alternative,
    feed,
    column_name,
    was_received,
    has_come,
    not is_spoilt and (is_optional or bool_or(can_tell) over (partition by id, need)) as is_met,
    not has_come and if(is_spoilt, is_spoiling and was_received, column_name is null or was_received) as is_lacking,
    data_date,
    is_stale
from told
{%- endmacro %}
