"""What several commands need: their CLI classes, the choice of a run, the session."""
