"""What the CLIs say of themselves while they work without a terminal: one line of JSON a step."""
