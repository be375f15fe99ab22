"""Tables of characters: look-alikes, and classes of Unicode as patterns need them."""
