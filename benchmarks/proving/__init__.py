"""Benchmarks of proving: what a full proof costs, how fast evidence is verified, what is found beside another tool."""
