"""Discord: the client, its commands and buttons, and the courier that brings pictures there."""
