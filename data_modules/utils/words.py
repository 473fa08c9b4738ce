"""Numbers in sentences."""


def counted(number: int, noun: str) -> str:
    """A number of things, such as 1 case or 1,251 cases; the noun has a regular plural."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def number_range(low: str, high: str) -> str:
    """A range of two numbers as they are printed; one number if they are printed the same."""
    return low if low == high else f"{low} to {high}"
