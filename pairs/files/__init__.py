"""Files: read only where they are regular, written whole or not at all."""
