"""What every platform shares: use cases, worker, announcements, flags and texts."""
