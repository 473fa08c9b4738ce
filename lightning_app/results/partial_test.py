"""Whether the test of a run is one of a part of its test split. Imports no torch."""

from lightning_app.config.limits import limits
from lightning_app.runs.folder import Run, run_config
from lightning_app.runs.record_values import Values
from lightning_app.runs.records import read_record, read_split

PARTIAL_KEY = "partial"  # in metrics.json


def is_partial(run: Run) -> bool:
    """Whether the results in a run's ``test`` folder leave out a part of its test split.

    Such results have a folder of their own now. An earlier version wrote them here, without a word;
    it also followed limits in the run's config.

    Raises:
        RecordError, OSError: a record of the run cannot be read.
    """
    content = read_record(run.test().metrics)
    if PARTIAL_KEY in content:
        return content[PARTIAL_KEY] is not False
    if limits("test", run_config(run)):
        return True
    values = Values(content, run.test().metrics)
    if values.values("data").choice("eval_slices") == "tumour":  # a case may have no such slice
        return False
    split = [case for case, _, split in read_split(run.split) if split == "test"]
    return values.has("cases") and values.whole_number("cases") < len(split)
