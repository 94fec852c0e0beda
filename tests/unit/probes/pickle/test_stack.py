import pytest

from smoke_gate.probes.inspection import BrokenError
from smoke_gate.probes.pickle.stack import Memo, Stack
from smoke_gate.probes.pickle.values import Dict, Dtype, Name, Opaque, Value


def test_the_memo_keeps_what_it_is_given():
    memo = Memo()
    values: list[Value] = ["text", Name("m", "n"), Dict(), Dtype("f", 8, has_object=False)]
    for index, value in enumerate(values):
        memo.put(index, value)
        assert memo.get(index) is value
    assert len(memo) == 4


def test_entries_out_of_order_count_as_entries():
    memo = Memo()
    memo.put(7, "seven")
    memo.put(1, "one")
    assert (len(memo), memo.get(7), memo.get(1)) == (2, "seven", "one")
    memo.put(0, "zero")
    memo.put(1, "one again")  # where in order it would be next
    assert (len(memo), memo.get(0), memo.get(1)) == (3, "zero", "one again")


@pytest.mark.parametrize("index", [-1, 0, 5])
def test_entries_that_were_never_written(index):
    with pytest.raises(BrokenError, match="never wrote"):
        Memo().get(index)


def test_a_memo_that_is_full_forgets_and_does_not_pretend():
    memo, known = Memo(), Dict()
    for index in range(300_000):
        memo.put(index, "x" * 200)
    memo.put(300_000, known)
    memo.put(300_001, Name("m", "n"))
    assert memo.get(0) == "x" * 200
    assert memo.get(299_999) is Opaque.FORGOTTEN
    assert memo.get(300_000) is Opaque.VALUE
    assert not known.known  # it could now change behind the scan's back
    assert memo.get(300_001) == Name("m", "n")


def test_pop_takes_a_mark_or_a_value():
    stack = Stack()
    stack.push("a")
    stack.mark()
    stack.drop()
    stack.mark()
    stack.push("b")
    stack.drop()
    assert stack.pop_mark() == []
    assert stack.pop() == "a"
    with pytest.raises(BrokenError, match="empty stack"):
        stack.drop()
