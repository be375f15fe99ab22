"""The subcommands of policy editors: arguments go in, an exit status comes out; each is a thin user of `authoring`."""
