{#- Conditions on a row of `chains`: what is counted, what of, and what must be recorded for either to be known. -#}
{%- set decided = "is_requested and request_outcome in ('Y', 'N') and request_outcome_date is not null" -%}
{%- set issued = "is_issued and received_date is not null" -%}
{%- set weeks = "date_diff('day', received_date, assessment_outcome_date) <= 140" -%}
{%- set measures = {
    'requests': ['is_requested', none, none],
    'requests_agreed': ["is_requested and request_outcome = 'Y'", 'is_requested', none],
    'requests_refused': ["is_requested and request_outcome = 'N'", 'is_requested', none],
    'requests_withdrawn': ["is_requested and request_outcome = 'W'", 'is_requested', none],
    'requests_open': ["is_requested and request_outcome = 'A'", 'is_requested', none],
    'requests_six_weeks': [
        decided ~ " and date_diff('day', received_date, request_outcome_date) <= 42", decided, none
    ],
    'requests_mediation': ['is_requested and request_mediation', 'is_requested', 'request_mediation'],
    'requests_tribunal': ['is_requested and request_tribunal', 'is_requested', 'request_tribunal'],
    'assessments': ['is_concluded', none, none],
    'assessments_issued': ['is_issued', 'is_concluded', none],
    'assessments_refused': ['is_refused', 'is_concluded', none],
    'refusals_16_weeks': [
        "is_refused and date_diff('day', received_date, assessment_outcome_date) <= 112",
        'is_refused and received_date is not null',
        none
    ],
    'assessments_mediation': ['is_concluded and assessment_mediation', 'is_concluded', 'assessment_mediation'],
    'assessments_tribunal': ['is_concluded and assessment_tribunal', 'is_concluded', 'assessment_tribunal'],
    'other_mediation': ['other_mediation', none, 'other_mediation'],
    'other_tribunal': ['other_tribunal', none, 'other_tribunal'],
    'new_plans': ['is_issued', none, none],
    'twenty_weeks': [
        issued ~ ' and not coalesce(week20, false) and ' ~ weeks, issued ~ ' and not coalesce(week20, false)', 'week20'
    ],
    'twenty_weeks_all': [issued ~ ' and ' ~ weeks, issued, none],
    'exceptions': [issued ~ ' and week20', issued, 'week20'],
    'over_a_year': [
        issued ~ " and date_diff('day', received_date, assessment_outcome_date) > 364", issued, none
    ],
    'plans': ['is_active', none, none],
    'placement_unknown': ["is_active and placement_group = 'not recorded'", 'is_active', none],
    'personal_budgets': ['is_active and pb', 'is_active', 'pb'],
    'organised_arrangements': ['is_active and oa', 'is_active', 'oa'],
    'residential': ['is_active and res is not null', 'is_active', 'res'],
    'work_based': ['is_active and wbp is not null', 'is_active', 'wbp'],
    'transferred_in': ['is_active and transfer_la is not null', none, none],
    'reviews_recorded': ['is_review_expected and review_meeting is not null', 'is_review_expected', none],
    'reviews_in_year': [
        'is_review_expected and review_meeting between year_start and year_end', 'is_review_expected', none
    ],
    'review_four_weeks': [
        "is_active and date_diff('day', review_meeting, last_review) <= 28",
        'is_active and review_meeting is not null and last_review is not null',
        none
    ],
    'ceased': ['is_ceased', none, none],
} -%}
{%- set breakdowns = {
    'requests_by_source': ['is_requested', 'request_source'],
    'new_plans_by_need': ['is_issued', 'sen_type'],
    'plans_by_age': ['is_active', 'age_band'],
    'plans_by_sex': ['is_active', 'sex'],
    'plans_by_need': ['is_active', 'sen_type'],
    'plans_by_placement': ['is_active', 'placement_group'],
    'review_outcomes': ['is_active and review_meeting is not null', 'review_outcome'],
    'ceased_by_reason': ['is_ceased', 'cease_reason'],
} -%}
{%- set needs -%}
    select
        measure as id,
        needs
    from {{ ref('sen2_measure_definitions') }}
{%- endset -%}
-- What DfE would publish of this return, by the columns of its release: beside the return of the year before, where it
-- was read in or released here, and England's figures. What is not known is blank, and `not_known_because` says why.
with the_return as (
    select * from {{ ref('int_sen2__return') }}
),

persons as (
    {{ sen2_of_two_years('person', 'persons', ['person_table_id', 'person_birth_date', 'sex']) }}
),

requests as (
    {{ sen2_of_two_years('requests', 'requests', [
        'requests_table_id', 'person_table_id', 'received_date', 'request_source', 'request_outcome',
        'request_outcome_date', 'request_mediation', 'request_tribunal'
    ]) }}
),

assessments as (
    {{ sen2_of_two_years('assessment', 'assessments', [
        'assessment_table_id', 'requests_table_id', 'assessment_outcome', 'assessment_outcome_date',
        'assessment_mediation', 'assessment_tribunal', 'other_mediation', 'other_tribunal', 'week20'
    ]) }}
),

named_plans as (
    {{ sen2_of_two_years('named_plan', 'named_plans', [
        'named_plan_table_id', 'assessment_table_id', 'plan_res', 'pb', 'oa', 'cease_date', 'cease_reason'
    ]) }}
),

active_plans as (
    {{ sen2_of_two_years('active_plans', 'active_plans', [
        'active_plans_table_id', 'requests_table_id', 'transfer_la', 'res', 'wbp', 'review_meeting', 'review_outcome',
        'last_review'
    ]) }}
),

sen_needs as (
    {{ sen2_of_two_years('sen_need', 'sen_needs', ['active_plans_table_id', 'sen_type', 'sen_type_rank']) }}
),

placements as (
    {{ sen2_of_two_years('placement_detail', 'placement_details', [
        'active_plans_table_id', 'order_seq', 'urn', 'ukprn', 'sen_setting', 'placement_rank', 'entry_date',
        'leaving_date', 'res', 'wbp'
    ]) }}
),

-- The days of both: of the year before, the whole of its year, as at its survey day.
years as (
    select
        survey_year as return_year,
        window_start as year_start,
        window_end as year_end,
        reference_day
    from the_return
    union all
    select
        rows_of.return_year,
        make_date(rows_of.return_year - 1, 1, 1) as year_start,
        make_date(rows_of.return_year - 1, 12, 31) as year_end,
        max(rows_of.reference_date) as reference_day
    from {{ ref('stg_sen2__requests') }} as rows_of
    inner join the_return on rows_of.return_year = the_return.survey_year - 1
    group by rows_of.return_year
),

-- Where each is: of placements open on the day, the first of rank 1.
placed as (
    select
        placements.return_year,
        placements.active_plans_table_id,
        arg_min(
            case
                when placements.sen_setting = 'EYP' then 'early years'
                when placements.sen_setting is not null then 'elsewhere'
                when placements.urn is null then 'further education'
                when gias.annex_a_phase = 'Special' then 'special'
                when gias.annex_a_phase = 'FE college' then 'further education'
                when gias.annex_a_phase = 'Pupil referral unit/Alternative provision' then 'alternative provision'
                when gias.annex_a_phase is not null then 'mainstream'
                else 'elsewhere'
            end,
            placements.order_seq
        ) filter (
            where placements.placement_rank = '1'
            and coalesce(placements.urn, placements.ukprn, placements.sen_setting) is not null
        ) as placement_group,
        arg_min(placements.res, placements.order_seq) as res,
        arg_min(placements.wbp, placements.order_seq) as wbp
    from placements
    inner join years on placements.return_year = years.return_year
    left join {{ ref('int_establishments__phased') }} as gias on placements.urn = gias.urn
    where coalesce(placements.leaving_date > years.reference_day, true)
    group by placements.return_year, placements.active_plans_table_id
),

first_needs as (
    select
        return_year,
        active_plans_table_id,
        min(sen_type) as sen_type
    from sen_needs
    where sen_type_rank = '1'
    group by return_year, active_plans_table_id
),

-- A plan without an end counts although nothing else is known of it, and its ActivePlans is left out; unless the person
-- has another.
chains as (
    select
        requests.*,
        assessments.* exclude (return_year, requests_table_id, assessment_table_id),
        named_plans.pb,
        named_plans.oa,
        named_plans.cease_reason,
        active_plans.transfer_la,
        active_plans.review_meeting,
        active_plans.review_outcome,
        active_plans.last_review,
        first_needs.sen_type,
        persons.sex,
        years.year_start,
        years.year_end,
        coalesce(placed.res, active_plans.res, named_plans.plan_res) as res,
        coalesce(placed.wbp, active_plans.wbp) as wbp,
        coalesce(placed.placement_group, 'not recorded') as placement_group,
        case
            when date_sub('year', persons.person_birth_date, years.reference_day) < 5 then '0–4'
            when date_sub('year', persons.person_birth_date, years.reference_day) < 11 then '5–10'
            when date_sub('year', persons.person_birth_date, years.reference_day) < 16 then '11–15'
            when date_sub('year', persons.person_birth_date, years.reference_day) < 20 then '16–19'
            when persons.person_birth_date is not null then '20–25'
        end as age_band,
        requests.received_date between years.year_start and years.year_end as is_requested,
        assessments.assessment_outcome = 'Y'
        and assessments.assessment_outcome_date between years.year_start and years.year_end as is_issued,
        assessments.assessment_outcome = 'N'
        and assessments.assessment_outcome_date between years.year_start and years.year_end as is_refused,
        coalesce(is_issued, false) or coalesce(is_refused, false) or coalesce(assessment_outcome = 'W', false)
            as is_concluded,
        active_plans.active_plans_table_id is not null
        or (
            named_plans.named_plan_table_id is not null
            and named_plans.cease_date is null
            and count(active_plans.active_plans_table_id)
                over (partition by requests.return_year, requests.person_table_id)
            = 0
        ) as is_active,
        is_active and assessment_outcome = 'H' and transfer_la is null as is_review_expected,
        named_plans.cease_date between years.year_start and years.year_end as is_ceased
    from requests
    inner join years on requests.return_year = years.return_year
    left join persons
        on requests.return_year = persons.return_year and requests.person_table_id = persons.person_table_id
    left join assessments
        on requests.return_year = assessments.return_year and requests.requests_table_id = assessments.requests_table_id
    left join named_plans
        on
            assessments.return_year = named_plans.return_year
            and assessments.assessment_table_id = named_plans.assessment_table_id
    left join active_plans
        on
            requests.return_year = active_plans.return_year
            and requests.requests_table_id = active_plans.requests_table_id
    left join first_needs
        on
            active_plans.return_year = first_needs.return_year
            and active_plans.active_plans_table_id = first_needs.active_plans_table_id
    left join placed
        on
            active_plans.return_year = placed.return_year
            and active_plans.active_plans_table_id = placed.active_plans_table_id
),

figures as (
    {%- for measure, (numerator, denominator, recorded) in measures.items() %}
    select
        return_year,
        '{{ measure }}' as measure,
        'all' as breakdown_value,
        count(*) filter (where {{ numerator }}) as numerator,
        {{ 'count(*) filter (where ' ~ denominator ~ ')' if denominator else 'cast(null as bigint)' }} as denominator,
        {{ 'count(' ~ recorded ~ ') > 0' if recorded else 'true' }} as is_recorded
    from chains
    group by return_year
    {{ 'union all' if not loop.last or breakdowns }}
    {%- endfor %}
    {%- for measure, (counted, breakdown) in breakdowns.items() %}
    select
        return_year,
        '{{ measure }}' as measure,
        coalesce({{ breakdown }}, 'not recorded') as breakdown_value,
        count(*) as numerator,
        cast(sum(count(*)) over (partition by return_year) as bigint) as denominator,
        true as is_recorded
    from chains
    where {{ counted }}
    group by return_year, coalesce({{ breakdown }}, 'not recorded')
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

known as (
    select
        id as measure,
        bool_and(is_met) as is_met,
        string_agg(distinct part, ', ' order by part) filter (where is_lacking) as lacking
    from (
        select
            *,
            feed || coalesce('.' || column_name, '') as part
        from (
            {{ needs_taken_apart(needs) }}
        ) as taken_apart
    ) as parts
    group by id
),

asked as (
    select
        measure,
        breakdown_value
    from figures
    union
    select
        measure,
        breakdown_value
    from {{ ref('sen2_comparators') }}
),

joined as (
    select
        definitions.*,
        asked.breakdown_value,
        the_return.survey_year,
        this_year.numerator as this_numerator,
        this_year.denominator as this_denominator,
        last_year.numerator as last_numerator,
        last_year.denominator as last_denominator,
        comparators.value as england_value,
        comparators.period as england_period,
        comparators.release as england_release,
        (select count(*) > 1 from years) as is_last_known,
        case
            when the_return.survey_year < coalesce(try_cast(definitions.first_year as integer), 0)
                then 'The return of ' || the_return.survey_year || ' does not hold it.'
            when not coalesce(known.is_met, true) then 'There is no export with ' || known.lacking || '.'
            when not coalesce(this_year.is_recorded, true) then 'Nothing of it is recorded for anybody.'
        end as not_known_because,
        the_return.survey_year - 1 < coalesce(try_cast(definitions.first_year as integer), 0)
        or not coalesce(last_year.is_recorded, true) as is_last_unknown
    from asked
    cross join the_return
    inner join {{ ref('sen2_measure_definitions') }} as definitions on asked.measure = definitions.measure
    left join figures as this_year
        on
            asked.measure = this_year.measure
            and asked.breakdown_value = this_year.breakdown_value
            and the_return.survey_year = this_year.return_year
    left join figures as last_year
        on
            asked.measure = last_year.measure
            and asked.breakdown_value = last_year.breakdown_value
            and the_return.survey_year - 1 = last_year.return_year
    left join {{ ref('sen2_comparators') }} as comparators
        on asked.measure = comparators.measure and asked.breakdown_value = comparators.breakdown_value
    left join known on asked.measure = known.measure
),

-- A part that nobody is in is none of the whole; where the whole is empty there is no share.
completed as (
    select
        *,
        if(not_known_because is null, coalesce(this_numerator, 0), null) as numerator,
        if(
            not_known_because is null and unit = 'percent',
            coalesce(this_denominator, max(this_denominator) over (partition by measure), 0),
            null
        ) as denominator,
        if(is_last_known and not is_last_unknown, coalesce(last_numerator, 0), null) as last_year_numerator,
        if(
            is_last_known and not is_last_unknown and unit = 'percent',
            coalesce(last_denominator, max(last_denominator) over (partition by measure), 0),
            null
        ) as last_year_denominator
    from joined
)

select
    cast(measure_no as integer) as measure_no,
    measure,
    breakdown_value,
    area,
    title,
    unit,
    case unit
        when 'count' then cast(numerator as decimal(18, 1)) else {{ percentage('numerator', 'denominator') }}
    end as value,
    numerator,
    denominator,
    not_known_because,
    case unit
        when 'count' then cast(last_year_numerator as decimal(18, 1))
        else {{ percentage('last_year_numerator', 'last_year_denominator') }}
    end as last_year_value,
    last_year_numerator,
    last_year_denominator,
    try_cast(england_value as decimal(18, 1)) as england_value,
    england_period,
    england_release,
    numerator_words,
    denominator_words,
    dfe_measure,
    note,
    survey_year,
    {{ run_columns() }}
from completed
