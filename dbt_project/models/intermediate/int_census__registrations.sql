-- Pupils of the returns with a reference date on or before D. Who has no special educational need in any of them, and
-- is in no other system, is left out: nobody here may know them.
-- How: a return is a school's of a term. Of each school its newest return says who is on roll; a return more than a
-- year older than the newest of all says nothing of today any more.
{%- set person_order = "list_position(['C', 'M', 'F', 'O', 'S', 'G'], enrolment_status_code)" %}
with pupils as (
    select
        *,
        coalesce(urn, school_la_code || establishment_number, 'not given') as school_id,
        {{ compared_upn('upn') }} as compared_upn,
        {{ compared_upn('former_upn') }} as compared_former_upn,
        concat_ws(
            ' ', birth_date, {{ plain_letters('surname') }}, {{ plain_letters('forename') }}
        ) as name_and_birth_date
    from {{ ref('stg_census__pupils') }}
    where reference_date <= {{ as_at() }}
),

-- A right UPN is one child's, unless one return gives it to two dates of birth; a wrong one may be a placeholder.
identified as (
    select
        *,
        coalesce(if({{ is_valid_upn('compared_upn') }}, cast(birth_date as varchar), name_and_birth_date), '') as who,
        min(who) over (partition by compared_upn, reference_date)
        <> max(who) over (partition by compared_upn, reference_date) as is_shared
    from pupils
),

named as (
    select
        * exclude (who, is_shared, name_and_birth_date),
        case
            when compared_upn is null
                then 'NO-UPN-' || left(md5(coalesce(nullif(name_and_birth_date, ''), record_id)), 10)
            when bool_or(is_shared) over (partition by compared_upn) then compared_upn || '-' || left(md5(who), 6)
            else compared_upn
        end as source_id
    from identified
),

elsewhere as (
    select {{ compared_upn('upn') }} as compared_upn from {{ ref('stg_capita_one__students') }}
    union
    select {{ compared_upn('former_upn') }} as compared_upn from {{ ref('stg_capita_one__students') }}
    union
    select {{ compared_upn('upn') }} as compared_upn from {{ ref('stg_ehc_hub__cases') }}
    union
    select {{ compared_upn('upn') }} as compared_upn from {{ ref('stg_social_care__involvements') }}
    union
    select {{ compared_upn('upn') }} as compared_upn from {{ ref('stg_ilacs__involvements') }}
),

concerned as (
    select named.*
    from named
    qualify bool_or(
        (named.is_on_roll and coalesce(named.sen_provision_code <> 'N', true))
        or named.sen_type_1_local is not null
        or named.compared_upn in (select elsewhere.compared_upn from elsewhere)
        or named.compared_former_upn in (select elsewhere.compared_upn from elsewhere)
    ) over (partition by named.source_id)
),

-- Of all pupils, as a school may have none with special educational needs in its newest return.
returns as (
    select
        *,
        lead(reference_date) over (partition by school_id order by reference_date) as next_reference_date,
        max(details_date) over (partition by school_id) as last_details_date,
        max(reference_date) over () as last_reference_date
    from (
        select
            school_id,
            reference_date,
            max(reference_date) filter (where has_details) as details_date
        from pupils
        group by school_id, reference_date
    ) as distinctly
),

placed as (
    select
        concerned.*,
        least(coalesce(concerned.entry_date, concerned.reference_date), concerned.reference_date) as start_date,
        case
            when not concerned.is_on_roll then coalesce(concerned.leaving_date, concerned.reference_date)
            when returns.next_reference_date is not null then returns.next_reference_date
            when concerned.reference_date <= returns.last_reference_date - interval 12 month
                then cast(concerned.reference_date + interval 12 month as date)
        end as held_end_date,
        row_number() over (
            partition by concerned.source_id, concerned.school_id, concerned.entry_date
            order by concerned.reference_date desc, concerned.is_on_roll asc, concerned.record_id asc
        ) = 1 as is_registration,
        concerned.is_on_roll and row_number() over (
            partition by concerned.source_id, concerned.reference_date, concerned.is_on_roll
            order by
                {{ person_order }} asc nulls last,
                list_position(['E', 'K', 'N'], concerned.sen_provision_code) asc nulls last,
                concerned.record_id asc
        ) = 1 as is_provision,
        concerned.is_on_roll
        and concerned.has_details
        and concerned.reference_date = returns.last_details_date as has_last_details,
        has_last_details and row_number() over (
            partition by concerned.source_id, has_last_details
            order by concerned.reference_date desc, {{ person_order }} asc nulls last, concerned.record_id asc
        ) = 1 as has_needs,
        row_number() over (
            partition by concerned.source_id
            order by
                concerned.reference_date desc,
                concerned.is_on_roll desc,
                {{ person_order }} asc nulls last,
                concerned.record_id asc
        ) = 1 as is_latest
    from concerned
    inner join returns
        on concerned.school_id = returns.school_id and concerned.reference_date = returns.reference_date
)

select
    * exclude (held_end_date, has_last_details, compared_upn, compared_former_upn, urn),
    school_id as urn,
    {{ end_of('start_date', 'held_end_date') }} as end_date,
    -- The next return that holds the child says what holds from then on.
    if(
        is_provision,
        min(reference_date) filter (where is_provision) over (
            partition by source_id
            order by reference_date range between interval 1 day following and unbounded following
        ),
        null
    ) as provision_end_date
from placed
