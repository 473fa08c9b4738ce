"""Which cases exist, whose they are, and which split they belong to."""
