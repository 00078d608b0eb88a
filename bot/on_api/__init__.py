"""Programs that speak other image servers' APIs: OpenAI's images API and the A1111 API."""
