"""The networks that turn (moving, fixed) into a feature map F."""
