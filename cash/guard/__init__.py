"""What keeps agents off each other's files: claims on paths, the table that holds them, and the
writer that honours them."""

from cash.guard.by_polisd import writer_of
from cash.guard.tool_file_writer import ToolFileWriter, Written

__all__ = ["ToolFileWriter", "Written", "writer_of"]
