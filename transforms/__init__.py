"""What people do with a registration: warp, invert, compose, and take fields to other programs."""
