"""What is kept on disk: people, and their trainings."""
