"""The one error that bad data or a bad data option raises."""


class DataError(ValueError):
    """The data or a data option cannot be used.

    The message is one line: what is wrong, which value it has, what was expected.
    """
