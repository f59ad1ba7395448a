-- Suspensions and exclusions with the person they are of, from the system that speaks for the person. Capita One speaks
-- for whom it has on a roll at D, and for whom it has held an exclusion of in the last twelve months.
with records as (
    select
        exclusion_id,
        student_id,
        exclusion_category_code,
        start_date,
        session_count,
        exclusion_reason_code,
        urn,
        'capita_one' as source_system,
        student_id as source_id
    from {{ ref('stg_capita_one__exclusions') }}
    union all
    select
        'CENSUS-' || exclusions.exclusion_id as exclusion_id,
        'CENSUS-' || pupils.source_id as student_id,
        exclusions.exclusion_category_code,
        exclusions.start_date,
        exclusions.session_count,
        exclusions.exclusion_reason_code,
        coalesce(exclusions.urn, pupils.urn) as urn,
        'census' as source_system,
        pupils.source_id
    from {{ ref('stg_census__exclusions') }} as exclusions
    inner join {{ ref('int_census__registrations') }} as pupils on exclusions.record_id = pupils.record_id
    -- A suspension that two returns tell of, as when it began at the end of a term.
    qualify row_number() over (
        partition by
            pupils.source_id,
            pupils.urn,
            exclusions.start_date,
            exclusions.exclusion_category_code,
            exclusions.exclusion_reason_code
        order by exclusions.exclusion_id
    ) = 1
),

exclusions as (
    select
        records.* exclude (source_id),
        person.person_id,
        {{ source_place('exclusions', 'records.source_system') }} as source_place
    from records
    left join {{ ref('int_person_records__linked') }} as person
        on records.source_system = person.source_system and records.source_id = person.source_id
),

speakers as (
    select
        person_id,
        min(source_place) as first_place
    from (
        select
            person_id,
            source_place
        from exclusions
        where start_date > {{ months_before(12) }}
        union all
        select
            person_id,
            {{ source_place('exclusions', 'source_system') }} as source_place
        from {{ ref('int_enrolments__ranked') }}
        where is_on_roll and (source_system <> 'capita_one' or {{ was_ever_received('capita_one.exclusions') }})
    ) as spoken
    where person_id is not null
    group by person_id
)

select exclusions.* exclude (source_place)
from exclusions
left join speakers on exclusions.person_id = speakers.person_id
where exclusions.person_id is null or exclusions.source_place <= coalesce(speakers.first_place, exclusions.source_place)
