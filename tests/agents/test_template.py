"""Templates: what they can say, and how hostile ones are refused."""

import pytest

from speciate.agents.template import LONGEST_TEMPLATE, problems, render

KNOWN = {
    "xs": ({"a": 1, "scores": {"t": 0.123456}},),
    "n": "name",
    "long": "y" * 12_000,
    "nothing": None,
}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{% for x in xs %}{{ x.a }} of {{ xs|length }}{% endfor %}", "1 of 1"),
        ("{% for k, v in xs[0].scores|items %}{{ k }} {{ v|number }}{% endfor %}", "t 0.12346"),
        ("{{ xs[0]|json }}", '{"a": 1, "scores": {"t": 0.123456}}'),
        ("{{ ['a', n]|join if nothing is none else 'b' }}", None),
        ("{{ (n, 'b')|join if nothing is none and not n == 'x' else 'b' }}", "name, b"),
        ("{% if n is defined and 1 in (1, 2) %}{{ '<&>' }}{% endif %}", "<&>"),
        ("{{ nothing|number }} {# a remark #}", "none"),
    ],
)
def test_what_templates_say(template: str, text: str | None) -> None:
    if text is None:
        with pytest.raises(ValueError, match="has a List"):
            render(template, KNOWN)
    else:
        assert render(template, KNOWN) == text + "\n"


@pytest.mark.parametrize(
    ("template", "complaint"),
    [
        ("{{ ''.__class__.__mro__ }}", "__class__"),
        ("{{ xs.__class__ }}", "__class__"),
        ("{{ n.upper }}", "cannot be written"),
        ("{{ n.upper() }}", "has a Call"),
        ("{{ xs }}", "a tuple cannot be written"),
        ("{{ self }}", "cannot be written"),
        ("{{ missing }}", "'missing' is undefined"),
        ("{{ 'a' * 9999999999 }}", "has a Mul"),
        ("{{ '%9999999999d' % 1 }}", "has a Mod"),
        ("{{ 9 ** 9999999 }}", "has a Pow"),
        ("{{ n ~ n }}", "has a Concat"),
        ("{% set x = 1 %}", "has a Assign"),
        ("{% include 'x' %}", "has a Include"),
        ("{% import 'x' as x %}", "has a Import"),
        ("{% macro f() %}{% endmacro %}", "has a Macro"),
        ("{{ n[1:] }}", "has a Slice"),
        ("{% for x in xs recursive %}{% endfor %}", "not recursive"),
        ("{% for a in long %}{% for b in long %}{% endfor %}{% endfor %}", "more than 5000 steps"),
        ("{% for a in long %}{% if xs|json %}{% endif %}{% endfor %}", "more than 5000 steps"),
        ("{% for x in 3 %}{% endfor %}", "not iterable"),
        ("{{ xs|attr('a') }}", "filters take nothing"),
        ("{{ long|counted }}", "filters take nothing"),
        ("{{ n|upper }}", "No filter named"),
        ("{{ 1 is odd }}", "No test named"),
        ("{{ xs|json|json }}", "needs no 'json'"),
        ("{{ n|join }}", "is for lists"),
        ("{{ n|items }}", "no attribute 'items'"),
        ("{{ " + "(" * 4000, "recursion"),
        ("{{n}}" * 1500, "more than 1000 parts"),
        ("{{ long }}" * 7, "longer than 80000"),
        ("x" * (LONGEST_TEMPLATE + 1), "longer than"),
        ("{{ (", "unexpected"),
        ("{{ n }}\u202e", "cannot be seen"),
    ],
)
def test_what_templates_may_not_say(template: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        render(template, KNOWN)
    assert complaint in str(caught.value)
    assert "0x" not in str(caught.value)


def test_a_template_must_show_what_is_needed() -> None:
    template = "{{ n }}{% for x in xs %}{{ x.a }}{% endfor %}"
    assert problems(template, KNOWN, ["n", "xs"]) == []
    assert problems(template, KNOWN, ["long", "n"]) == [
        "the template does not show 'long'; keep it"
    ]
    assert problems("{{ nope }}", KNOWN, []) == ["the template fails: 'nope' is undefined"]
