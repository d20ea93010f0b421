"""The command line: one table of verbs, and the program that hands each of them on."""
