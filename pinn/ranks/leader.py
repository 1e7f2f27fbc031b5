"""Rank 0: the program runs here, and what an objective is asked is computed by all ranks, each on its rows.

    tell     what is asked, and the parameters               rank 0 -> all
    compute  each rank its part                              (`pinn.ranks.work`)
    settle   whether all could                               all -> all
    add      the sum of the parts                            all -> rank 0

Samplers, optimizers, weightings and criteria see one process. They draw and decide here alone, so that no clock, no
rounding and no signal can lead ranks apart; what the others need, a model that has changed, points and scales of an
objective, goes with the first question that concerns it.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from pinn.blocks import Blocks, RowAnswers
from pinn.domains import Points
from pinn.linalg import Matrix
from pinn.linearization import Linearization
from pinn.objective import Equations, Objective
from pinn.ranks.group import RankError, Ranks
from pinn.ranks.part import Part
from pinn.ranks.work import Work
from pinn.structure import described


class Leader:
    """Asks all ranks; what `Equations.sharing` is in rank 0 of several.

    Args:
        ranks: of which this is the first.
    """

    def __init__(self, ranks: Ranks) -> None:
        self.ranks = ranks
        self.work = Work(ranks.rank, ranks.size)
        self._models: weakref.WeakKeyDictionary[Equations, tuple[int, list[torch.nn.Parameter]]] = (
            weakref.WeakKeyDictionary()
        )
        self._numbers = itertools.count()
        self._dropped: list[int] = []

    # -- what an objective is given -------------------------------------------------------------------------------

    def answers(self, objective: Objective, alone: Blocks) -> RowAnswers:
        """See `pinn.objective.Sharing`."""
        return alone if self.ranks.lost else SharedAnswers(self, objective, alone)

    def rows(self, equations: Equations, name: str, points: Points) -> Tensor:
        """See `pinn.objective.Sharing`."""
        if self.ranks.lost:
            return equations.residual_here(name, points)
        like = next(equations.model.parameters())
        points = points.to(like.dtype, like.device)
        told = {"name": name, "points": points.to(device="cpu").as_plain()}
        return self.asked("rows", equations, told, lambda: self.work.rows(equations, name, points))[0]

    # -- asking ---------------------------------------------------------------------------------------------------

    def asked(
        self, task: str, equations: Equations, told: Mapping[str, Any], compute: Callable[[], list[Tensor]]
    ) -> list[Tensor]:
        """The sums over all ranks of what each computes.

        Args:
            task: a method of `Work`.
            equations: whose present parameters go with it.
            told: what the others need to know beside.
            compute: this rank's part.

        Raises:
            RankError: when another rank has failed or is gone.
        """
        dropped, self._dropped = self._dropped, []
        self.work.drop(dropped)
        message = {"task": task, "dropped": dropped, **self._model(equations), **told}
        owed = False

        def tell() -> None:
            nonlocal owed
            self.ranks.tell(message)
            owed = True

        def settle(parts: Sequence[Tensor] | None) -> bool:
            nonlocal owed
            well = self.ranks.settled(parts is not None)
            for part in parts if well and parts is not None else ():
                self.ranks.add(part)
            owed = False
            return well

        try:
            self.ranks.whole(tell)
            parts = compute()
            well = self.ranks.whole(lambda: settle(parts))
        finally:
            if owed and not self.ranks.lost:
                self.ranks.whole(lambda: settle(None))  # the others wait to be told that there is no sum
        if not well:
            raise RankError(self._why())
        return parts

    def end(self, message: Mapping[str, Any]) -> None:
        """Tell the others that there is nothing more to compute, and how it ended."""
        if not self.ranks.lost:
            self.ranks.whole(lambda: self.ranks.tell({"task": "end", **message}))

    def _why(self) -> str:
        """What the ranks that failed say."""

        def ask() -> list[str]:
            self.ranks.tell({"task": "why"})
            return self.ranks.gathered("")

        said = [f"rank {rank}: {one}" for rank, one in enumerate(self.ranks.whole(ask)) if one]
        return "; ".join(said) or "another rank has failed"

    def _model(self, equations: Equations) -> dict[str, Any]:
        """The number of the model of equations, its trained parameters, and what it is made of where that is new."""
        parameters = list(equations.model.parameters())
        number, known = self._models.get(equations, (-1, []))
        vector = torch.cat([one.detach().reshape(-1) for one in parameters]).cpu().numpy()
        told: dict[str, Any] = {"theta": vector}
        if len(known) != len(parameters) or any(one is not other for one, other in zip(known, parameters, strict=True)):
            number = self.numbered(equations) if number < 0 else number
            self._models[equations] = number, parameters
            told["model"] = described(equations.model)
        return {**told, "equations": number}

    def numbered(self, owner: object) -> int:
        """A number for what the ranks keep for as long as `owner` lives."""
        number = next(self._numbers)
        weakref.finalize(owner, self._dropped_later, number)
        return number

    def _dropped_later(self, number: int) -> None:
        self._dropped.append(number)


class SharedAnswers:
    """Answers of an objective whose rows are computed by all ranks; see `pinn.blocks.RowAnswers`.

    Args:
        leader: asks.
        objective: with all points.
        alone: what answers in this process alone, where the others are gone.
    """

    def __init__(self, leader: Leader, objective: Objective, alone: Blocks) -> None:
        self._leader, self._equations = leader, objective.equations
        self._blocks, self._alone = objective.blocks, alone
        self._number: int | None = None

    def ask(self, task: str, *arguments: Any) -> list[Tensor]:
        """The sums of what each rank's `Work` says to a task on this objective."""
        told: dict[str, Any] = {"arguments": (self._known(), *map(_light, arguments))}
        if self._number is None:
            told["objective"] = [_plain(block) for block in self._blocks]
        number, work = told["arguments"][0], self._leader.work
        if self._number is None:
            work.parts[number] = Part.of(self._blocks, self._alone, self._leader.ranks.rank, self._leader.ranks.size)
        found = self._leader.asked(task, self._equations, told, lambda: getattr(work, task)(number, *arguments))
        self._number = number
        return found

    def _known(self) -> int:
        return self._leader.numbered(self) if self._number is None else self._number

    def residual(self) -> Tensor:
        """See `RowAnswers.residual`."""
        return self._alone.residual() if self._leader.ranks.lost else self.ask("residual")[0]

    def loss(self) -> Tensor:
        """See `RowAnswers.loss`."""
        return self._alone.loss() if self._leader.ranks.lost else self.ask("loss")[0][0]

    def losses(self) -> Mapping[str, float]:
        """See `RowAnswers.losses`."""
        if self._leader.ranks.lost:
            return self._alone.losses()
        names = [block.name for block in self._blocks]
        return dict(zip(names, self.ask("losses")[0].tolist(), strict=True))

    def gradient(self) -> tuple[Tensor, Tensor]:
        """See `RowAnswers.gradient`."""
        if self._leader.ranks.lost:
            return self._alone.gradient()
        found = self.ask("gradient")[0]
        return found[0], found[1:]

    def gradients(self) -> Mapping[str, Tensor]:
        """See `RowAnswers.gradients`."""
        if self._leader.ranks.lost:
            return self._alone.gradients()
        return dict(zip([block.name for block in self._blocks], self.ask("gradients")[0], strict=True))

    def linearize(self, out: Tensor | None) -> tuple[Tensor, Tensor]:
        """See `RowAnswers.linearize`; all of J comes to this process."""
        if self._leader.ranks.lost:
            return self._alone.linearize(out)
        residual, J = self.held(None)
        entries = J if isinstance(J, Tensor) else J.dense()
        return residual, entries if out is None else out.copy_(entries)

    def held(self, out: Matrix | None) -> tuple[Tensor, Matrix]:
        """See `RowAnswers.held`; each rank keeps its rows of J."""
        if self._leader.ranks.lost:
            return self._alone.held(out)
        J = out if isinstance(out, RowsApart) else RowsApart(self._leader, self._equations, self._alone)
        residual = self.ask("linearize", J.number)[0]
        return residual, J.at(self._leader.work.held[J.number].part)

    def normal_equations(self) -> tuple[Tensor, Tensor, Tensor]:
        """See `RowAnswers.normal_equations`."""
        if self._leader.ranks.lost:
            return self._alone.normal_equations()
        found, gram = self.ask("normal_equations")
        return found[0], found[1:], gram

    def operator(self) -> Linearization:
        """See `RowAnswers.operator`."""
        return self._alone.operator() if self._leader.ranks.lost else self._products("operator")

    def pieces(self, size: int) -> Iterator[tuple[slice, Linearization]]:
        """See `RowAnswers.pieces`: one, whose products each rank makes piece by piece."""
        if self._leader.ranks.lost:
            yield from self._alone.pieces(size)
            return
        products = self._products("pieces")
        yield slice(0, products.residual.numel()), products

    def _products(self, task: str) -> _Products:
        products = _Products(self._leader, self._equations)
        products.residual = self.ask(task, products.number)[0]
        return products


class _Products:
    """r (N,), J v and Jᵀ w, where each rank has its rows."""

    residual: Tensor

    def __init__(self, leader: Leader, equations: Equations) -> None:
        self._leader, self._equations = leader, equations
        self.number = leader.numbered(self)

    def jvp(self, v: Tensor) -> Tensor:
        """J v (N,)."""
        return self.ask("jvp", v)

    def vjp(self, w: Tensor) -> Tensor:
        """Jᵀ w (p,)."""
        return self.ask("vjp", w)

    def ask(self, task: str, *arguments: Any) -> Tensor:
        """The sum of what each rank's `Work` says to a task on these rows."""
        told = {"arguments": (self.number, *map(_light, arguments))}
        work = getattr(self._leader.work, task)
        return self._leader.asked(task, self._equations, told, lambda: work(self.number, *arguments))[0]


class RowsApart(_Products):
    """J (N, p), each rank with its rows; see `pinn.linalg.DistantMatrix`."""

    def __init__(self, leader: Leader, equations: Equations, like: Blocks) -> None:
        super().__init__(leader, equations)
        self.dtype, self.device = like.dtype, like.device
        self.shape = torch.Size((0, like.size))

    def at(self, part: Part) -> RowsApart:
        """The same with the rows of this part and of the others'."""
        self.shape = torch.Size((part.rows, part.blocks.size))
        return self

    @property
    def T(self) -> _TransposedRows:
        """Jᵀ."""
        return _TransposedRows(self)

    def __matmul__(self, v: Tensor) -> Tensor:
        """J v (N,)."""
        return self.jvp(v)

    def gram(self, *, dual: bool, out: Tensor, workers: int) -> Tensor:
        """See `pinn.linalg.gram`."""
        found = self.ask("dual_gram", self.dense(), workers) if dual else self.ask("gram", workers)
        return out.copy_(found.T)

    def dense(self) -> Tensor:
        """All entries."""
        return self.ask("entries")


class _TransposedRows:
    def __init__(self, J: RowsApart) -> None:
        self._J = J

    def __matmul__(self, w: Tensor) -> Tensor:
        return self._J.vjp(w)


def _plain(block: Any) -> dict[str, Any]:
    """A constraint of an objective as plain values."""
    return {
        "name": block.name,
        "weight": block.weight,
        "points": block.points.to(device="cpu").as_plain(),
        "scale": block.residuals.scale.cpu(),
    }


def _light(value: Any) -> Any:
    """A tensor as an array, which is quicker to send."""
    return value.detach().cpu().numpy() if isinstance(value, Tensor) else value
