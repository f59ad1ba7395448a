{# The days of a limit in seeds/spec/statutory_limits.csv. A name that is not there stops tests/contract. #}
{% macro limit_days(limit_name) -%}
    (select cast(days as integer) from {{ ref('statutory_limits') }} where limit_name = '{{ limit_name }}')
{%- endmacro %}

{# Whether a case of fct_ehcp_case, or of int_requests__merged, that was received by a day is open at its end. #}
{% macro is_case_open(day, cases=none) -%}
    {%- set of = cases ~ '.' if cases else '' -%}
    not coalesce({{ of }}final_issued_date <= {{ day }}, false)
    and not coalesce({{ of }}decision_to_assess_code = 'N' and {{ of }}decision_to_assess_date <= {{ day }}, false)
    and not coalesce({{ of }}refused_to_issue_date <= {{ day }}, false)
    and not coalesce({{ of }}closed_date <= {{ day }}, false)
{%- endmacro %}
