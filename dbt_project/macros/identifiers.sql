{# Check characters of UPN and ULN (DfE common rules 1510 to 1550; Learning Records Service). Null when blank. #}

{#
    A letter, the LA (3 digits), the school (4), the year (2) and a serial (3) that ends in a letter when the
    UPN is temporary. The first letter checks the rest: each value times its position, summed, modulo 23.
#}
{% macro is_valid_upn(upn) -%}
    {%- set letters = 'ABCDEFGHJKLMNPQRTUVWXYZ' -%}
    case
        when {{ upn }} is null then null
        when not regexp_full_match({{ upn }}, '[{{ letters }}][0-9]{11}[0-9{{ letters }}]') then false
        else substr('{{ letters }}', 1 + (
            {%- for position in range(2, 13) %}
            {{ position }} * (ascii(substr({{ upn }}, {{ position }}, 1)) - 48) +
            {%- endfor %}
            13 * if(
                substr({{ upn }}, 13, 1) between '0' and '9',
                ascii(substr({{ upn }}, 13, 1)) - 48,
                strpos('{{ letters }}', substr({{ upn }}, 13, 1)) - 1
            )
        ) % 23, 1) = substr({{ upn }}, 1, 1)
    end
{%- endmacro %}

{# A UPN as it is compared and checked: in capitals, without spaces. It is shown as held. #}
{% macro compared_upn(upn) -%}
    nullif(upper(regexp_replace({{ upn }}, '\s', '', 'g')), '')
{%- endmacro %}

{#
    Ten digits, the first not 0. The first nine times 10 to 2, summed, modulo 11: 0 is never issued, else the last
    digit is 10 less it. 9999999999 stands for a ULN yet to come and counts as well formed.
#}
{% macro is_valid_uln(uln) -%}
    {%- set remainder -%}
        (
            {%- for position in range(1, 10) %}
            {{ 11 - position }} * (ascii(substr({{ uln }}, {{ position }}, 1)) - 48){{ ' +' if not loop.last }}
            {%- endfor %}
        ) % 11
    {%- endset -%}
    case
        when {{ uln }} is null then null
        when not regexp_full_match({{ uln }}, '[1-9][0-9]{9}') then false
        when {{ uln }} = '9999999999' then true
        else {{ remainder }} <> 0 and 10 - {{ remainder }} = ascii(substr({{ uln }}, 10, 1)) - 48
    end
{%- endmacro %}

{# Text as people compare it: lower case, without accents, spaces, hyphens and other marks. Null when nothing is left. #}
{% macro plain_letters(words) -%}
    nullif(regexp_replace(lower(strip_accents({{ words }})), '[^\p{L}\p{N}]', '', 'g'), '')
{%- endmacro %}

{# GIAS writes some codes as 02 and some exports as 2. #}
{% macro without_leading_zeros(code) -%}
    coalesce(cast(try_cast({{ code }} as integer) as varchar), {{ code }})
{%- endmacro %}
