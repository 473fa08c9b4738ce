"""From the command line and YAML to one resolved config, with errors in one line."""
