"""Links: findings of `url.*` by lists of hosts or by the link's form."""
