"""Where runs run and what they leave behind."""
