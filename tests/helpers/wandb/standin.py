"""A local W&B server for tests: it answers `wandb sweep`, agents and trials.

It serves the trials that a test defines, and stores what their runs send.
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
    """A trial: its parameters, and what its run sent.

    Attributes:
        id: the id of the W&B run.
        parameters: by dotted name.
        sweep: the sweep that the run reports.
        config: the config of the run, by dotted name.
        rows: the history, in order.
        exit_code: None until the run is finished.
    """

    id: str
    parameters: dict[str, Any]
    sweep: str | None = None
    config: dict[str, Any] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)
    exit_code: int | None = None


class StandIn:
    """The state of the server.

    Args:
        trials: the parameters of each trial, in the order in which agents get them.
    """

    def __init__(self, trials: Iterable[dict[str, Any]]) -> None:
        self.trials = [Trial(f"trial{n}", parameters) for n, parameters in enumerate(trials)]
        self.sweep = ""  # as YAML
        self.agents = 0
        self._waiting = list(self.trials)
        self._lock = threading.Lock()

    def answer(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        """The answer to a GraphQL request."""
        operation = _OPERATION.search(query)
        handler = getattr(self, _in_snake_case(operation[1]) if operation else "", None)
        if handler is None:
            return {"data": None, "errors": [{"message": "unknown operation"}]}
        with self._lock:
            return {"data": handler(variables)}

    def receive(self, run: str, stream: dict[str, Any]) -> None:
        """Store what a run streams."""
        (trial,) = [trial for trial in self.trials if trial.id == run]
        files = stream.get("files") or {}
        with self._lock:
            if history := files.get("wandb-history.jsonl"):
                # From its offset: rows may be sent twice.
                trial.rows[history["offset"] :] = [json.loads(row) for row in history["content"]]
            if summary := files.get("wandb-summary.json"):
                trial.summary = json.loads(summary["content"][-1])
            if stream.get("complete"):
                trial.exit_code = stream["exitcode"]

    # Handlers, named after W&B's operations -------------------------------------------------------

    def _viewer(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"viewer": {"entity": ENTITY}}

    def _upsert_sweep(self, variables: dict[str, Any]) -> dict[str, Any]:
        self.sweep = variables["config"]
        project = {"name": PROJECT, "entity": {"name": ENTITY}}
        return {"upsertSweep": {"sweep": {"name": SWEEP, "project": project}}}

    def _sweep_with_runs(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"project": {"sweep": {"config": self.sweep, "runs": {"edges": []}}}}

    def _create_agent(self, _: dict[str, Any]) -> dict[str, Any]:
        self.agents += 1
        return {"createAgent": {"agent": {"id": f"agent{self.agents}"}}}

    def _heartbeat(self, variables: dict[str, Any]) -> dict[str, Any]:
        idle = not json.loads(variables.get("runState") or "{}")
        commands = [self._start(self._waiting.pop(0))] if idle and self._waiting else []
        return {"agentHeartbeat": {"agent": {"id": "agent"}, "commands": json.dumps(commands)}}

    def _start(self, trial: Trial) -> dict[str, Any]:
        (program,) = re.findall(r"^program: (.+)$", self.sweep, re.MULTILINE)
        arguments = {name: {"value": value} for name, value in trial.parameters.items()}
        return {"type": "run", "run_id": trial.id, "program": program, "args": arguments}

    def _run_resume_status(self, _: dict[str, Any]) -> dict[str, Any]:
        entity = {"id": ENTITY, "name": ENTITY}
        return {"model": {"id": PROJECT, "name": PROJECT, "entity": entity, "bucket": None}}

    def _upsert_bucket(self, variables: dict[str, Any]) -> dict[str, Any]:
        (trial,) = [trial for trial in self.trials if trial.id == variables["name"]]
        trial.sweep = variables.get("sweep") or trial.sweep
        config = json.loads(variables.get("config") or "{}")
        trial.config |= {name: about["value"] for name, about in config.items()}
        project = {"name": PROJECT, "entity": {"name": ENTITY}}
        bucket = {"id": trial.id, "name": trial.id, "project": project}
        return {"upsertBucket": {"bucket": bucket, "inserted": True}}


def _in_snake_case(operation: str) -> str:
    return re.sub(r"(?=[A-Z])", "_", operation).lower()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_Server"

    def do_POST(self) -> None:
        """Answer a request."""
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answer: dict[str, Any] = {}
        if self.path == "/graphql":
            request = json.loads(content)
            answer = self.server.memory.answer(request["query"], request.get("variables") or {})
        elif self.path.endswith("/file_stream"):
            self.server.memory.receive(self.path.split("/")[-2], json.loads(content))
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, memory: StandIn) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.memory = memory

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore clients that have disconnected."""


@contextmanager
def serving(memory: StandIn) -> Iterator[str]:
    """Run the server; yields its address."""
    server = _Server(memory)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
