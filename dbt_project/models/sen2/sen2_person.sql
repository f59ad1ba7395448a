-- Numbers and date of birth are those of the lists, which social care does not fill.
with persons as (
    select distinct
        person_id,
        person_table_id
    from {{ ref('int_sen2__cases') }}
)

select
    persons.person_table_id,
    persons.person_table_id as order_seq,
    {{ of_shape('person', 'surname', 'identifiable.surname') }},
    {{ of_shape('person', 'forename', 'identifiable.forename') }},
    {{ of_shape('person', 'person_birth_date', 'merged.birth_date') }},
    {{ of_shape('person', 'sex', sen2_code('sex', 'merged.sex_code')) }},
    {{ of_shape('person', 'ethnicity', sen2_code('ethnicity', 'merged.ethnicity_code')) }},
    {{ of_shape('person', 'post_code', 'identifiable.postcode') }},
    {{ of_shape('person', 'upn', 'merged.upn') }},
    {{ of_shape('person', 'unique_learner_number', 'merged.uln') }},
    {{ of_shape(
        'person', 'upn_unknown',
        'if(coalesce(merged.upn, merged.uln) is null, merged.upn_unknown_reason_code, null)'
    ) }},
    persons.person_id as unique_id,
    {{ run_columns() }}
from persons
inner join {{ ref('int_persons__merged') }} as merged on persons.person_id = merged.person_id
inner join {{ ref('person_identifiable_persons') }} as identifiable on persons.person_id = identifiable.person_id
cross join {{ ref('int_sen2__return') }} as the_return
