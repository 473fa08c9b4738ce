"""The geometry of heads and tumours, and the tissues in them."""
