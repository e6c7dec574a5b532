"""Decorators: tasks whose function gives the movie."""
