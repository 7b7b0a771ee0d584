"""Holds the program that is shipped inside exported evidence."""
