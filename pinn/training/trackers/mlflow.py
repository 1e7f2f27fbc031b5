"""MLflow: a run of an experiment in a local database or on a server.

`mlflow ui --backend-store-uri sqlite:///outputs/mlflow.db` shows a local one. MLflow's plain folders of files are no
longer maintained, so that a store is a database or a server.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pinn.training.trackers.tracker import Plain, Tracker, needed

_SQLITE = "sqlite:///"
_REFUSED = re.compile(r"[^\w\-. :/]", re.ASCII)  # in names of metrics and parameters
_LONGEST = 6000  # characters of a parameter or a tag that MLflow takes
_AT_ONCE = 500  # numbers sent together: each call is a transaction of the database


class MLflow(Tracker):
    """A run of MLflow.

    Args:
        experiment: that the run belongs to; is made where it is not there.
        store: a local database, `sqlite:///PATH`, whose folder is made where it is not there, or a server,
            `http://...`.
        name: of the run there; left out, the problem's.
        settings: see `Tracker`.
        every: see `Tracker`.

    Attributes:
        run_id: MLflow's name of the run, once it has begun.

    Raises:
        ImportError: where mlflow is not installed.
        ValueError: for a store that is a folder of files.

    Example:
        >>> solve(problem, callbacks=[MLflow("pinn")])  # doctest: +SKIP
    """

    def __init__(
        self,
        experiment: str = "pinn",
        store: str = f"{_SQLITE}outputs/mlflow.db",
        name: str | None = None,
        settings: Mapping[str, Any] | None = None,
        every: int = 1,
    ) -> None:
        super().__init__(name, settings, every)
        self._mlflow = needed("MLflow", "mlflow", "mlflow")
        if "://" not in store or store.startswith("file:"):
            raise ValueError(
                f"MLflow: got store={store!r}, expected a database or a server; give such as {_SQLITE}outputs/mlflow.db"
            )
        self.experiment, self.store = experiment, store
        self.run_id = ""
        self._began = 0  # milliseconds
        self._client: Any = None
        self._waiting: list[Any] = []

    def start(self, name: str | None, settings: Mapping[str, Plain]) -> None:
        """A run of its own; the client is no global state."""
        if self.store.startswith(_SQLITE):
            Path(self.store.removeprefix(_SQLITE)).parent.mkdir(parents=True, exist_ok=True)
        self._client = self._mlflow.MlflowClient(tracking_uri=self.store)
        found = self._client.get_experiment_by_name(self.experiment)
        place = self._client.create_experiment(self.experiment) if found is None else found.experiment_id
        run_name = str(settings["problem"]) if name is None else name
        info = self._client.create_run(place, run_name=run_name).info
        self.run_id, self._began = info.run_id, info.start_time
        given = [
            self._mlflow.entities.Param(_REFUSED.sub("_", key), str(value)[:_LONGEST])
            for key, value in settings.items()
        ]
        self._client.log_batch(self.run_id, params=given)

    def record(self, step: int, numbers: Mapping[str, float]) -> None:
        """Numbers, sent some at a time."""
        now = self._began + int(1000 * numbers.get("seconds", 0.0))
        self._waiting += [
            self._mlflow.entities.Metric(_REFUSED.sub("_", key), value, now, step) for key, value in numbers.items()
        ]
        if "validation" in numbers or len(self._waiting) >= _AT_ONCE:
            self._send()

    def finish(self, result: Mapping[str, Plain]) -> None:
        """The result: numbers as metrics, words as tags."""
        self._send()
        for key, value in result.items():
            name = _REFUSED.sub("_", f"result/{key}")
            if isinstance(value, str):
                self._client.set_tag(self.run_id, name, value[:_LONGEST])
            else:
                self._client.log_metric(self.run_id, name, float(value))
        self._client.set_terminated(self.run_id)

    def fail(self, reason: str) -> None:
        """The run as failed."""
        self._send()
        self._client.set_tag(self.run_id, "failed", reason[:_LONGEST])
        self._client.set_terminated(self.run_id, status="FAILED")

    def _send(self) -> None:
        for first in range(0, len(self._waiting), _AT_ONCE):
            self._client.log_batch(self.run_id, metrics=self._waiting[first : first + _AT_ONCE])
        self._waiting = []
