"""How long training and testing take: the callback, its stopwatch and its records."""
