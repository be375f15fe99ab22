"""Policy files as text: a file goes in, the same in canonical form, or with a value changed, comes out, comments kept."""
