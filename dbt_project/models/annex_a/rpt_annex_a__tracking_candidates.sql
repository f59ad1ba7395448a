with open_requests as (
    select distinct person_id
    from {{ ref('fct_ehcp_case') }}
    where
        received_date <= {{ as_at() }}
        and is_ours
        and coalesce(final_issued_date > {{ as_at() }}, true)
        and coalesce(refused_to_issue_date > {{ as_at() }}, true)
        and coalesce(closed_date > {{ as_at() }}, true)
        and not coalesce(decision_to_assess_code = 'N' and decision_to_assess_date <= {{ as_at() }}, false)
)

select
    children.unique_id,
    children.sen_group,
    children.list_name,
    children.age_years,
    case
        when children.age_years < 5 then '0 to 4'
        when children.age_years < 11 then '5 to 10'
        when children.age_years < 16 then '11 to 15'
        else '16 to 25'
    end as age_band,
    children.primary_need,
    area_of_need.name as area_of_need,
    case
        when children.sen_group = 'SEN support'
            then if(open_requests.person_id is not null, 'Assessment', 'SEN support')
        when
            children.phase_transfer_due_date > {{ as_at() }}
            and children.phase_transfer_due_date <= {{ as_at() }} + interval 12 month
            and coalesce(children.phase_transfer_final_date > {{ as_at() }}, true)
            then 'Transition'
        when {{ is_within_months('children.initial_plan_date', 12) }} then 'New plan'
        when children.initial_plan_date <= {{ months_before(36) }} then 'Long-standing plan'
        else 'Plan in place'
    end as stage,
    case
        when children.is_in_alternative_provision then 'Yes'
        when {{ was_ever_received('gias.establishments') }} then 'No'
    end as in_alternative_provision,
    children.setting,
    children.main_phase as phase,
    children.social_care_status,
    {{ run_columns() }}
from {{ ref('int_annex_a__children') }} as children
left join open_requests on children.unique_id = open_requests.person_id
{{ code_name_join('area_of_need', 'children.primary_need', 'area_of_need') }}
where
    children.sen_group <> 'Neither'
    and children.age_years between 0 and 25
    and coalesce(children.home_la_code = '{{ var("la_code") }}', true)
