"""The work of ``reproduce``: its trainings, how each is carried out, and by how many processes."""
