"""The user's repository as the place where agents' work meets."""
