"""The one error that bad data or a bad data option raises."""


class DataError(ValueError):
    """Something is wrong with the data or with what was asked of it.

    The message is one line: what, which value, what was expected.
    """
