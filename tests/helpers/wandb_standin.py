"""A stand-in for W&B's server on this machine: what `wandb sweep`, an agent and a trial ask of it.

It hands out the trials that a test gives it, and keeps what their runs send.
"""

import json
import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ENTITY, PROJECT, SWEEP = "team", "brats-lightning", "sweep1"
_OPERATION = re.compile(r"(?:query|mutation)\s+(\w+)")


@dataclass
class Trial:
    """One trial: what it was given, and what its run sent.

    Attributes:
        id: the W&B run's.
        parameters: by dotted name.
        sweep: that the run says it belongs to.
        config: the run's, by dotted name.
        rows: the history, in order.
        exit_code: None until the run is closed.
    """

    id: str
    parameters: dict[str, Any]
    sweep: str | None = None
    config: dict[str, Any] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)
    exit_code: int | None = None


class StandIn:
    """The server's memory.

    Args:
        trials: the parameters of each, in the order in which agents get them.
    """

    def __init__(self, trials: Iterable[dict[str, Any]]) -> None:
        self.trials = [Trial(f"trial{n}", parameters) for n, parameters in enumerate(trials)]
        self.sweep = ""  # as YAML
        self.agents = 0
        self._waiting = list(self.trials)
        self._lock = threading.Lock()

    def answer(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        """The answer to a GraphQL request."""
        found = _OPERATION.search(query)
        handler = getattr(self, f"_{found[1]}" if found else "", None)
        if handler is None:
            return {"data": None, "errors": [{"message": "the stand-in does not know this"}]}
        with self._lock:
            return {"data": handler(variables)}

    def receive(self, run: str, stream: dict[str, Any]) -> None:
        """Keep what a run streams."""
        (trial,) = [trial for trial in self.trials if trial.id == run]
        files = stream.get("files") or {}
        with self._lock:
            if history := files.get("wandb-history.jsonl"):
                # From its offset on: what is sent twice counts once.
                trial.rows[history["offset"] :] = [json.loads(row) for row in history["content"]]
            if summary := files.get("wandb-summary.json"):
                trial.summary = json.loads(summary["content"][-1])
            if stream.get("complete"):
                trial.exit_code = stream["exitcode"]

    # Named as W&B's operations, which choose among them ------------------------------------------

    def _Viewer(self, _: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {"viewer": {"entity": ENTITY}}

    def _UpsertSweep(self, variables: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        self.sweep = variables["config"]
        project = {"name": PROJECT, "entity": {"name": ENTITY}}
        return {"upsertSweep": {"sweep": {"name": SWEEP, "project": project}}}

    def _SweepWithRuns(self, _: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {"project": {"sweep": {"config": self.sweep, "runs": {"edges": []}}}}

    def _CreateAgent(self, _: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        self.agents += 1
        return {"createAgent": {"agent": {"id": f"agent{self.agents}"}}}

    def _Heartbeat(self, variables: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        idle = not json.loads(variables.get("runState") or "{}")
        commands = [self._start(self._waiting.pop(0))] if idle and self._waiting else []
        return {"agentHeartbeat": {"agent": {"id": "agent"}, "commands": json.dumps(commands)}}

    def _start(self, trial: Trial) -> dict[str, Any]:
        (program,) = re.findall(r"^program: (.+)$", self.sweep, re.MULTILINE)
        given = {name: {"value": value} for name, value in trial.parameters.items()}
        return {"type": "run", "run_id": trial.id, "program": program, "args": given}

    def _RunResumeStatus(self, _: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        entity = {"id": ENTITY, "name": ENTITY}
        return {"model": {"id": PROJECT, "name": PROJECT, "entity": entity, "bucket": None}}

    def _UpsertBucket(self, variables: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        (trial,) = [trial for trial in self.trials if trial.id == variables["name"]]
        trial.sweep = variables.get("sweep") or trial.sweep
        config = json.loads(variables.get("config") or "{}")
        trial.config |= {name: about["value"] for name, about in config.items()}
        project = {"name": PROJECT, "entity": {"name": ENTITY}}
        bucket = {"id": trial.id, "name": trial.id, "project": project}
        return {"upsertBucket": {"bucket": bucket, "inserted": True}}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_Server"

    def do_POST(self) -> None:
        """Answer whatever is asked."""
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answer: dict[str, Any] = {}
        if self.path == "/graphql":
            asked = json.loads(content)
            answer = self.server.memory.answer(asked["query"], asked.get("variables") or {})
        elif self.path.endswith("/file_stream"):
            self.server.memory.receive(self.path.split("/")[-2], json.loads(content))
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing to the terminal."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, memory: StandIn) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.memory = memory

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that is gone is no error of the server."""


@contextmanager
def serving(memory: StandIn) -> Iterator[str]:
    """Answer for a while; gives the address."""
    server = _Server(memory)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
