"""What ``--help`` prints for each command: one module per command, without parser and torch."""
