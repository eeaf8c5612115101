"""What keeps agents off each other's files: claims on paths, and the table that holds them."""
