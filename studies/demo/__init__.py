"""The population template, how it is made, and the demo task that is drawn from it."""
