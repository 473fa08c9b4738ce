"""Short hashes that records are compared by."""

import hashlib


def short_hash(text: str) -> str:
    """Eight hexadecimal digits; enough to tell a handful of data sets apart."""
    return hashlib.blake2b(text.encode(), digest_size=4).hexdigest()
