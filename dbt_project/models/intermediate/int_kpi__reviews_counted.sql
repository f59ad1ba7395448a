with reviews as (
    select
        review_id,
        plan_id,
        person_id,
        meeting_date,
        coalesce(review_outcome_code = 'A', false) as is_to_amend,
        decision_date,
        final_amended_plan_date,
        meeting_date + {{ limit_days('review_decision') }} as decision_due_date,
        meeting_date + {{ limit_days('amended_plan') }} as amendment_due_date
    from {{ ref('int_reviews__unioned') }}
),

placed as (
    -- Within a window: decided in it, or to be amended by a day in it.
    select
        windows.period_type,
        windows.period_no,
        windows.period_end,
        reviews.*,
        {{ is_in_window('reviews.decision_date') }} as is_decided,
        reviews.is_to_amend and {{ is_in_window('reviews.amendment_due_date') }} as is_amendment_due,
        false as is_decision_late,
        false as is_amendment_late
    from reviews
    inner join {{ ref('int_kpi__windows') }} as windows
        on
            windows.period_type in ('month', 'rolling_12_months')
            and (
                reviews.decision_date between windows.start_date and windows.period_end
                or (
                    reviews.is_to_amend
                    and reviews.amendment_due_date between windows.start_date and windows.period_end
                )
            )

    union all

    -- At a period's end: what is outstanding of plans that are open.
    select
        'point' as period_type,
        plans.period_no,
        plans.period_end,
        reviews.*,
        false as is_decided,
        false as is_amendment_due,
        reviews.decision_due_date < plans.period_end
        and not coalesce(reviews.decision_date <= plans.period_end, false) as is_decision_late,
        reviews.is_to_amend
        and coalesce(reviews.decision_date <= plans.period_end, false)
        and reviews.amendment_due_date < plans.period_end
        and not coalesce(reviews.final_amended_plan_date <= plans.period_end, false) as is_amendment_late
    from reviews
    inner join {{ ref('int_kpi__plans_by_period') }} as plans on reviews.plan_id = plans.plan_id
    where
        reviews.decision_due_date < plans.period_end
        and (
            not coalesce(reviews.decision_date <= plans.period_end, false)
            or (
                reviews.is_to_amend and not coalesce(reviews.final_amended_plan_date <= plans.period_end, false)
            )
        )
)

select
    placed.period_type,
    placed.period_end,
    placed.person_id,
    placed.plan_id,
    placed.review_id,
    {{ kpi_breakdown_columns('placed.period_end') }},
    placed.decision_due_date,
    placed.decision_date,
    placed.amendment_due_date,
    placed.final_amended_plan_date,
    placed.is_decided as k20_denominator,
    placed.is_decided and coalesce(placed.decision_date <= placed.decision_due_date, false) as k20_numerator,
    false as k21_denominator,
    placed.is_decision_late as k21_numerator,
    placed.is_amendment_due as k22_denominator,
    placed.is_amendment_due
    and coalesce(placed.final_amended_plan_date <= placed.amendment_due_date, false) as k22_numerator,
    false as k23_denominator,
    placed.is_amendment_late as k23_numerator
from placed
{{ kpi_state_join('placed.person_id') }}
where
    (placed.is_decided or placed.is_amendment_due or placed.is_decision_late or placed.is_amendment_late)
    and {{ kpi_is_state('placed.period_no') }}
