"""How a network is run: compiled, with fused layers, with its attention maps."""
