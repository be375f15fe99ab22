"""The subcommands of operators: servers, keys, models and lists. Arguments go in, an exit status comes out."""
