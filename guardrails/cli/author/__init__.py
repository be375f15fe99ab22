"""The subcommands of policy editors; each is a thin user of `authoring`."""
