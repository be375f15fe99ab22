"""The subcommands that judge: `check`, `scan`, `demo`. Arguments go in, an exit status comes out."""
