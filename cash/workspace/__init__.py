"""Agents and their trees: made, listed, shown to the walls, removed."""
