"""What commands are about to change, kept so that it can be brought back."""
