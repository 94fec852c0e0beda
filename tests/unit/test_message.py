"""Messages know their parts: templates and values, through everything that is done with them."""

import ast
import copy
import pickle
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest
from hypothesis import given
from hypothesis import strategies as st

import smoke_gate
from smoke_gate.message import MARK, Message, Style, Value, between, capitalised, cut, say, sentences, shown
from smoke_gate.text import quoted

TEXTS = st.text(max_size=120)
VALUES = st.builds(Value, TEXTS, st.sampled_from(Style))
MESSAGES = st.builds(Message, st.lists(TEXTS | VALUES, max_size=6))


def test_a_message_is_its_text():
    message = say("{name} is {found!r}, expected {number}.", name="unit", found="kW", number=3)
    assert message == "unit is 'kW', expected 3."
    assert isinstance(message, str)


def test_it_knows_its_parts():
    message = say("{name} is {found!r}, expected {number}.", name="unit", found="kW", number=0.5)
    assert message.template == (None, " is ", None, ", expected ", None, ".")
    assert message.values == (Value("unit"), Value("kW", Style.QUOTED), Value("0.5", Style.NUMBER))


def test_messages_of_one_template_share_it_whatever_the_values():
    one, other = (say("{a} is {b}.", a=text, b=number) for text, number in (("x", 1), ("y", 2)))
    assert one.template == other.template
    assert one.template != say("{a} was {b}.", a="x", b=1).template


def test_a_text_that_is_like_our_words_is_another_template():
    assert say("unit is missing.").template != say("unit is {found}.", found="missing").template


def test_a_message_in_a_message_brings_its_own_words_and_values():
    why = say("{key} is missing", key="cell")
    message = say("{run} fails: {why}. Log it.", run="r1", why=why)
    assert message == "r1 fails: cell is missing. Log it."
    assert message.template == (None, " fails: ", None, " is missing", ". Log it.")
    assert [value.text for value in message.values] == ["r1", "cell"]
    assert say("{why}", why=say("")).parts == ()


def test_a_value_may_be_named_twice():
    assert say("{a}, {a}", a="x").values == (Value("x"), Value("x"))


@pytest.mark.parametrize("text", ["{", "}", "{}", "{name}", "{name!r}", "{{x}}", "%s", "`", "\n", ""])
def test_a_value_is_never_read_as_a_template(text):
    message = say("It is {text}.", text=text)
    assert message == f"It is {text}."
    assert say("{outer} Fix it.", outer=message).values == (Value(text),)


def test_double_braces_are_braces():
    assert say("write {{params.a}} for {a}", a="x") == "write {params.a} for x"


@pytest.mark.parametrize("template", ["{missing}", "{}", "{0}"])
def test_a_value_that_is_not_given_is_an_error(template):
    with pytest.raises(KeyError):
        say(template, other="x")


@given(TEXTS, TEXTS)
def test_a_message_reads_as_its_parts(plain, quote):
    message = say("a {plain} b {quote!r} c", plain=plain, quote=quote)
    assert message == f"a {plain} b {quoted(quote)} c"
    assert "".join(map(shown, message.parts)) == message
    assert [value.text for value in message.values] == [plain, quote]


@given(MESSAGES)
def test_a_message_stays_one_through_pickle_and_copies(message):
    for again in (pickle.loads(pickle.dumps(message)), copy.copy(message), copy.deepcopy(message)):
        assert (type(again), again, again.parts) == (Message, message, message.parts)


def test_sentences_stand_one_after_another():
    both = sentences([say("{a} is late.", a="r1"), say("Wait.")])
    assert both == "r1 is late. Wait."
    assert both.template == (None, " is late.", " ", "Wait.")


@pytest.mark.parametrize(("count", "text"), [(0, ""), (1, "x"), (2, "x, x"), (3, "x, x, x")])
def test_between(count, text):
    joined = between(", ", [say("{a}", a="x")] * count)
    assert joined == text
    assert joined.values == (Value("x"),) * count


@given(MESSAGES, st.integers(1, 400))
def test_a_cut_message_fits_and_begins_as_it_did(message, longest):
    short = cut(message, longest)
    assert len(short) <= longest
    if len(message) <= longest:
        assert short is message
    else:
        assert short.endswith(MARK)
        last = len(short.parts) - 2
        assert short.parts[: max(last, 0)] == message.parts[: max(last, 0)]


@given(MESSAGES, st.integers(1, 400))
def test_cutting_makes_no_value_one_of_our_words(message, longest):
    kept = [part for part in cut(message, longest).parts if isinstance(part, str)]
    own = [part for part in message.parts if isinstance(part, str)]
    assert all(part in (MARK, "") or any(whole.startswith(part) for whole in own) for part in kept)


def test_the_beginning_of_a_sentence_has_a_capital_letter():
    assert capitalised(say("no run: {a}", a="x")) == "No run: x"
    assert capitalised(say("{a} is missing", a="unit")) == "unit is missing"
    assert capitalised(say("")) == ""


@given(MESSAGES)
def test_a_capital_letter_changes_no_value(message):
    assert capitalised(message).values == message.values


def said_in_the_package() -> Iterator[tuple[str, ast.Call, str]]:
    """Yield every call of ``say`` whose template stands in it, with its place."""
    root = Path(smoke_gate.__file__).parent
    for path in sorted(root.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "say":
                template = node.args[0]
                if isinstance(template, ast.Constant) and isinstance(template.value, str):
                    yield f"{path.relative_to(root)}:{node.lineno}", node, template.value


def test_every_template_has_the_values_that_it_names_and_no_others():
    wrong = []
    for place, call, template in said_in_the_package():
        fields = [field for field in Formatter().parse(template) if field[1] is not None]
        names = {name for _, name, _, _ in fields}
        odd = [name for _, name, spec, conversion in fields if spec or conversion not in (None, "r")]
        if names != {keyword.arg for keyword in call.keywords} or odd:
            wrong.append((place, template))
    assert wrong == []


def test_there_are_templates_to_look_at():
    assert len(list(said_in_the_package())) > 100
