"""The submission packer: checked fields as the zip that a host takes."""
