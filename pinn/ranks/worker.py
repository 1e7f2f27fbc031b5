"""The other ranks: they wait for questions of rank 0 and compute their rows, until it says that the run has ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pinn.binding import FAILURES
from pinn.blocks import Blocks
from pinn.constraint_rows import ConstraintBlock, ScaledResiduals
from pinn.derivatives import Engine
from pinn.domains import Points
from pinn.model import NetworkFactory
from pinn.objective import Equations
from pinn.problem import Problem
from pinn.ranks.group import RankError, Ranks
from pinn.ranks.part import Part
from pinn.ranks.work import Work
from pinn.structure import rebuilt


class Worker:
    """Answers rank 0.

    Args:
        ranks: of which this is not the first.
        problem: that is solved; the same in every rank.
        engine: what differentiates.
        network: what builds a network that is not the library's own.
        device: where to compute; of several GPUs of a machine, this rank's.
    """

    def __init__(
        self,
        ranks: Ranks,
        problem: Problem,
        engine: Engine,
        network: NetworkFactory | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        self.ranks, self.problem, self.engine, self.network = ranks, problem, engine, network
        place = torch.device(device)
        own = place.type == "cuda" and place.index is None and torch.cuda.device_count() > ranks.local
        self.device = torch.device("cuda", ranks.local) if own else place
        self.work = Work(ranks.rank, ranks.size)
        self._equations: dict[int, Equations] = {}
        self._failure = ""

    def serve(self) -> Mapping[str, Any]:
        """Answer until the run ends; returns what rank 0 says then.

        Raises:
            RankError: when rank 0 has gone, or says that the run ended with an error.
        """
        while True:
            message = self.ranks.whole(self.ranks.hear)
            if message["task"] == "end":
                if message.get("error"):
                    raise RankError(f"the run has ended in rank 0: {message['error']}")
                return dict(message)
            if message["task"] == "why":
                self.ranks.whole(lambda: self.ranks.gathered(self._failure))
                continue
            self._answer(message)

    def _answer(self, message: Mapping[str, Any]) -> None:
        parts: list[Tensor] | None = None
        self._failure = ""
        try:
            parts = self._computed(message)
        except FAILURES as error:
            self._failure = f"{type(error).__name__}: {error}"

        def settle() -> None:
            if self.ranks.settled(parts is not None) and parts is not None:
                for part in parts:
                    self.ranks.add(part)

        self.ranks.whole(settle)

    def _computed(self, message: Mapping[str, Any]) -> list[Tensor]:
        """This rank's part of what is asked, at the parameters that came with it."""
        self.work.drop(message["dropped"])
        for one in message["dropped"]:
            self._equations.pop(one, None)
        number = message["equations"]
        if "model" in message:
            model = rebuilt("rank 0", self.problem, message["model"], self.network).to(self.device)
            self._equations[number] = Equations(model, self.engine)
        equations = self._equations[number]
        torch.nn.utils.vector_to_parameters(
            torch.from_numpy(message["theta"]).to(self.device), equations.model.parameters()
        )
        if message["task"] == "rows":
            like = next(equations.model.parameters())
            points = Points.from_plain(message["points"]).to(like.dtype, self.device)
            return self.work.rows(equations, message["name"], points)
        arguments = [self._here(one) for one in message["arguments"]]
        if "objective" in message:
            self.work.parts[arguments[0]] = self._part(equations, message["objective"])
        found: list[Tensor] = getattr(self.work, message["task"])(*arguments)
        return found

    def _part(self, equations: Equations, blocks: list[Mapping[str, Any]]) -> Part:
        """This rank's part of an objective."""
        parameters = [one for one in equations.model.parameters() if one.requires_grad]
        like = parameters[0].detach()
        made = []
        for one in blocks:
            points = Points.from_plain(one["points"]).to(like.dtype, self.device)
            scale = one["scale"].to(self.device)
            residuals = ScaledResiduals(equations, one["name"], points, scale, parameters)
            reduction = self.problem.constraints[one["name"]].reduction
            made.append(ConstraintBlock(one["name"], one["weight"], residuals, reduction))
        size = sum(one.numel() for one in parameters)
        return Part.of(made, Blocks([], size, like.dtype, self.device), self.ranks.rank, self.ranks.size)

    def _here(self, value: Any) -> Any:
        return torch.from_numpy(value).to(self.device) if isinstance(value, np.ndarray) else value
