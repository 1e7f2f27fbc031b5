"""States are copies of plain values: what goes on leaves them alone, and they come back as they were."""

import io

import pytest
import torch

from pinn.state import restore, state_of


class Memory:
    """Remembers some of everything that a file may hold."""

    names = ("number", "nothing", "tensor", "table", "pairs", "inner")

    def __init__(self, inner=None):
        self.number, self.nothing = float("inf"), None
        self.tensor = torch.arange(3.0)
        self.table = {"a": 1.0, "b": 2.0}
        self.pairs = {"equation": (torch.zeros(2, 1), [torch.ones(2)])}
        self.inner = inner

    def state_dict(self):
        return state_of(self, self.names)

    def load_state_dict(self, state):
        restore(self, self.names, state)

    def go_on(self):
        self.number, self.nothing = 3, "something"
        self.tensor += 1
        self.table["a"] = 5.0
        self.pairs["equation"][0].add_(1)
        self.pairs["equation"][1].append(torch.zeros(1))
        if self.inner is not None:
            self.inner.go_on()


def test_a_state_is_a_copy_and_comes_back_from_a_file_without_code():
    owner = Memory(Memory())
    state = owner.state_dict()
    assert isinstance(state["inner"], dict)
    owner.go_on()
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    content = torch.load(file, weights_only=True)
    for one in (owner, owner.inner):
        assert one.number == 3
    owner.load_state_dict(content)
    inner = owner.inner
    content["tensor"].add_(7)
    for one in (owner, inner):
        assert (one.number, one.nothing, one.table) == (float("inf"), None, {"a": 1.0, "b": 2.0})
        assert one.tensor.tolist() == [0, 1, 2]
        assert one.pairs["equation"][0].tolist() == [[0], [0]]
        assert len(one.pairs["equation"][1]) == 1


@pytest.mark.parametrize("change", [lambda state: state.pop("number"), lambda state: state.update(other=1)])
def test_entries_that_are_not_those_are_refused(change):
    owner = Memory()
    state = owner.state_dict()
    change(state)
    with pytest.raises(
        ValueError, match=r"Memory.load_state_dict: got entries \[.*\], expected \['inner', 'nothing', .*"
    ):
        owner.load_state_dict(state)
