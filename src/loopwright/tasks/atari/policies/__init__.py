"""Starting artifacts for the games, as files to copy; nothing here is imported by the tasks."""
