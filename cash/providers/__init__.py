"""The agents' own programs: what polis knows of each, how it starts and what it says."""
