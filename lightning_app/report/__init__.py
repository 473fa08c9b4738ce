"""The tables, figures and the page of many runs. Reads run folders only; imports no torch."""
