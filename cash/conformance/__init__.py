"""Whether the agents' CLIs tell what they told when polis was made for them."""
