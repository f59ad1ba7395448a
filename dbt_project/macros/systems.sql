{#
    A sentence of ours as text, with the systems under the council's own names (SEND_CONFIG/systems.csv). The patterns,
    each with its name, are those of send_ready/systems.py, which says what is replaced.
#}
{% macro said(text) -%}
    {%- set words = namespace(text=text) -%}
    {%- set systems = var('systems', {}) -%}
    {%- if systems is mapping -%}
        {%- for pattern, name in systems.items() -%}
            {%- set words.text = modules.re.sub(pattern, name, words.text) -%}
        {%- endfor -%}
    {%- endif -%}
    '{{ words.text }}'
{%- endmacro %}
