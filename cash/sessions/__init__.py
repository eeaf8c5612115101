"""Agents at work: their terminals, what they are doing, and how one knows."""
