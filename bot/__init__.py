"""The bot: people, words, delivery, and the wiring of everything."""
