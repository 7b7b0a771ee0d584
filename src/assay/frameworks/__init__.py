"""The catalogue of measurable objectives, what it stands for in published frameworks, and how much of that is shown."""
