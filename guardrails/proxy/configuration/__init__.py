"""What the operator chooses: settings of a file, the environment and flags, each declared once and checked."""
