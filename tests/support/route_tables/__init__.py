"""The routes, by family. Each module has list_routes(forbidden)."""
