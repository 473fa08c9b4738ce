"""The room that joins networks, data and callbacks into experiments."""
